zfs destroy tank/volumes/vm1@before
