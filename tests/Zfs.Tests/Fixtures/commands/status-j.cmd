zpool status -j --json-int -P tank
