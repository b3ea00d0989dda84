zfs promote tank/volumes/foreign
