zfs destroy tank/volumes/vm1
