zpool get -Hp -o value comment nosuch
