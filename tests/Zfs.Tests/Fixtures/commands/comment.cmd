zpool get -Hp -o value comment tank
