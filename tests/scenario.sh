#!/usr/bin/env bash
# scenario.sh PROFILE: the life of a volume under a profile, with a guest as its host:
# pool, import, export, verify in the guest, snapshot, clone, rollback, grow, delete. About two minutes.
set -euo pipefail
[ $# = 1 ] && [ -r "$1" ] || { echo "usage: tests/scenario.sh PROFILE, such as profiles/embedded.json" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/evestorage-scenario.XXXXXX")
export PATH=$PATH:/usr/sbin:/sbin
guest=scenario-$$
host=nqn.2014-08.org.example:scenario
daemon=

finish() {
  local code=$?
  "$root/lab/lab" kill "$guest" || true
  [ -z "$daemon" ] || { kill "$daemon"; wait "$daemon" || true; }
  [ $code = 0 ] && echo "scenario: passed" || { echo "scenario: FAILED at: $step" >&2; tail -n 20 "$work/daemon.log" >&2 || true; }
  rm -rf "$work"
  exit $code
}
step=start
trap finish EXIT

# The profile as it is, but for where it keeps things and the port, which another target of this machine may have.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
jq --arg place "$work" --argjson port "$port" \
  '.State = $place + "/state" | .Run = $place + "/run" | .Transports[].Options.Port = $port' "$1" > "$work/profile.json"
pool=$(jq -r '.Pools | keys[0]' "$1")

say() { step=$*; echo "scenario: $*"; }
fail() { echo "scenario: $*" >&2; exit 1; }
evestorage() { "$root/artifacts/bin/EveStorage.Host/debug/evestorage" "$@" --json --profile "$work/profile.json"; }
in_guest() { "$root/lab/lab" exec "$guest" -- "set -e; $*"; }
disk() { echo "/dev/\$(basename \$(ls -d \$(dirname \$(grep -lx $1 /sys/class/nvme-subsystem/*/subsysnqn))/nvme*n1))"; }

# Both leave the subsystem in $subsystem. The guest's id as a host is one for all the run.
give() {
  subsystem=$(evestorage export add "$pool/$1" --host "$host" | jq -r .results.subsystem)
  in_guest "modprobe nvme-tcp; nvme connect -t tcp -a 10.0.2.2 -s $port -n $subsystem -i 2 -c 1 --hostnqn=$host \
    --hostid=5ce0a210-0000-4000-8000-000000000001; udevadm settle; mkdir -p /mnt/v"
}
take() {
  in_guest "nvme disconnect -n $subsystem" > /dev/null
  evestorage export remove "$pool/$1" > /dev/null
}

say "serve"
"$root/lab/ensure"
"$root/artifacts/bin/EveStorage.Host/debug/evestorage" serve --profile "$work/profile.json" > "$work/daemon.log" 2>&1 &
daemon=$!
"$root/lab/lab" up "$guest"
for _ in $(seq 50); do [ -S "$work/run/api.sock" ] && break; sleep 0.2; done
[ -S "$work/run/api.sock" ] || fail "the daemon has no socket"

say "pool create"
evestorage pool create "$pool" > /dev/null

say "image import"
mkdir "$work/files"
head -c 33554432 /dev/urandom > "$work/files/data"
mke2fs -q -t ext4 -d "$work/files" "$work/raw" 64M > /dev/null
qemu-img convert -f raw -O qcow2 -c "$work/raw" "$work/image.qcow2"
digest=$(sha256sum < "$work/raw" | cut -d' ' -f1)
imported=$(evestorage image import "$work/image.qcow2" "$pool/vm1" --verify | jq -r .results.sha256)
[ "$imported" = "$digest" ] || fail "imported $imported, not $digest"

say "export add, and verify in the guest"
give vm1
read=$(in_guest "sha256sum < $(disk "$subsystem")" | cut -d' ' -f1)
[ "$read" = "$digest" ] || fail "the guest reads $read, not $digest"
in_guest "mount $(disk "$subsystem") /mnt/v; echo one > /mnt/v/one; umount /mnt/v"
take vm1

say "volume snapshot, volume clone"
evestorage volume snapshot "$pool/vm1@one" > /dev/null
evestorage volume clone "$pool/vm1@one" vm2 > /dev/null
give vm1
in_guest "mount $(disk "$subsystem") /mnt/v; echo two > /mnt/v/two; umount /mnt/v"
take vm1

say "volume rollback"
evestorage volume rollback "$pool/vm1@one" --yes > /dev/null
give vm1
in_guest "mount $(disk "$subsystem") /mnt/v; [ \$(cat /mnt/v/one) = one ]; [ ! -e /mnt/v/two ]"

say "volume resize, in use"
evestorage volume resize "$pool/vm1" 96MiB > /dev/null
in_guest "for i in \$(seq 50); do [ \$(blockdev --getsize64 $(disk "$subsystem")) = $((96 << 20)) ] && break; sleep 0.2; done
  resize2fs $(disk "$subsystem") 2>/dev/null; [ \$(df --output=size -m /mnt/v | tail -1) -gt 75 ]; umount /mnt/v" > /dev/null
take vm1

say "the clone has what the snapshot had"
give vm2
in_guest "mount -o ro $(disk "$subsystem") /mnt/v; [ \$(cat /mnt/v/one) = one ]; [ ! -e /mnt/v/two ]; umount /mnt/v"
take vm2

say "volume delete, pool delete"
evestorage volume delete "$pool/vm2" --yes > /dev/null
evestorage volume delete "$pool/vm1" --snapshots --yes > /dev/null
[ "$(evestorage volume list | jq length)" = 0 ] || fail "volumes are left"
evestorage pool delete "$pool" --yes > /dev/null
