zpool status -pg tank
