zfs get -Hp -s local -o property,value all tank/volumes/vm1
