zfs list -Hp -o evestorage:pool.id,evestorage:pool.name,evestorage:pool.operation,evestorage:pool.redundancy,evestorage:pool.key,evestorage:pool.drives tank
