zfs set volsize=70000001 tank/volumes/vm1
