zfs destroy tank/volumes/foreign
