zpool status -pP tank
