#!/usr/bin/env bash
# scenario.sh [--in-guest] PROFILE [KERNEL]: the life of a volume under a profile, with a guest as its host:
# pool, import, export, verify in the guest, snapshot, clone, rollback, grow, delete. About two minutes.
# A pool of files and its target are on this machine. Where the profile's pool is of drives all of it is in the guest, whose
# kernel is 6.12 or 6.1, or one with OpenZFS, with a TPM where the profile's keys are in one; --in-guest has that for a pool of files, too, and takes
# about 5 minutes. What a profile can't do has to be refused, and to leave everything as it is: snapshots of a pool that has
# none, and a transport that the kernel lacks. Without a transport the volume is used where it is.
set -euo pipefail
inside=
[ "${1:-}" = --in-guest ] && { inside=1; shift; }
[ $# -ge 1 ] && [ -r "$1" ] || { echo "usage: tests/scenario.sh [--in-guest] PROFILE [6.12|6.1|6.12-zfs|6.1-zfs], such as profiles/embedded.json" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
profile=$1 kernel=${2:-6.12}
work=$(mktemp -d "${TMPDIR:-/tmp}/evestorage-scenario.XXXXXX")
export PATH=$PATH:/usr/sbin:/sbin
guest=scenario-$$
host=nqn.2014-08.org.example:scenario
pool=$(jq -r '.Pools | keys[0]' "$profile")
name=$(basename "$profile" .json)
inside=${inside:-$(jq --arg pool "$pool" 'if .Pools[$pool].Kind == "file" then 0 else 1 end' "$profile")}
daemon= helper=

# Whatever fails here, the rest is taken down and the failure told.
finish() {
  local code=$?
  set +e
  [ $code = 0 ] && echo "scenario: passed" || { echo "scenario: FAILED at: $step" >&2; daemon_log >&2; }
  "$root/lab/lab" kill "$guest"
  [ -z "$daemon$helper" ] || { kill $daemon $helper; wait $daemon $helper; }
  rm -rf "$work"
  exit $code
}
step=start
trap finish EXIT

say() { step=$*; echo "scenario: $*"; }
fail() { echo "scenario: $*" >&2; exit 1; }
# Prints what the command printed, with its errors, which are JSON too, where a person sees them.
evestorage() {
  local said
  said=$(run_host "$@") || { echo "evestorage $*: $said" >&2; return 1; }
  echo "$said"
}
in_guest() { "$root/lab/lab" exec "$guest" -t 600 -- "set -e; $*"; }

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# A socket here that is one in the guest: what comes to it goes on to a port of this machine.
relay() {
  exec python3 - "$@" <<'P'
import socket, sys, threading
def copy(source, target):
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass   # one side has gone
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
while True:
    near, _ = listener.accept()
    far = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    for pair in (near, far), (far, near):
        threading.Thread(target=copy, args=pair, daemon=True).start()
P
}

# Where the host runs is all that differs: here, with the profile as it is but for where it keeps things and the port, which
# another target of this machine may have; or in the guest, with the profile's drives.
if [ "$inside" = 0 ]; then
  jq --arg place "$work" --argjson port "$port" \
    '.State = $place + "/state" | .Run = $place + "/run" | .Transports[].Options.Port = $port' "$profile" > "$work/profile.json"
  images=$work loopback=10.0.2.2
  run_host() { "$root/artifacts/bin/EveStorage.Host/debug/evestorage" "$@" --json --profile "$work/profile.json"; }
  daemon_log() { tail -n 20 "$work/daemon.log"; }
  serve() {
    "$root/lab/lab" up "$guest" --kernel "$kernel"
    "$root/artifacts/bin/EveStorage.Host/debug/evestorage" serve --profile "$work/profile.json" > "$work/daemon.log" 2>&1 &
    daemon=$!
    for _ in $(seq 300); do curl -sf --unix-socket "$work/run/api.sock" http://host/v1/host > /dev/null && return; sleep 0.2; done
    fail "the daemon does not answer"
  }
else
  images=/share loopback=127.0.0.1
  # Commands run here and find the daemon's socket by a relay: it takes 10 s and more to start .NET in the guest. An import
  # runs there, since it hands its image over as a descriptor.
  run_host() {
    case "$1 ${2:-}" in
    image\ import) in_guest "$(printf '%q ' evestorage "$@" --json)" ;;
    *) "$root/artifacts/bin/EveStorage.Host/debug/evestorage" "$@" --json --profile "$work/here/$name.json" ;;
    esac
  }
  daemon_log() { in_guest "tail -n 20 /root/daemon.log; dmesg | tail -n 20"; }
  # The profile as it is. What a machine adds to it are its drives.
  serve() {
    local options=() drives=() number
    if [ "$(jq --arg pool "$pool" -r '.Pools[$pool].Kind' "$profile")" != file ]; then
      for number in $(seq "$(jq --arg pool "$pool" '.Pools[$pool] | if .Devices then .Devices | length else {Mirror: 2, Parity: 4, DoubleParity: 5}[.Redundancy // ""] // 1 end' "$profile")"); do
        truncate -s 1G "$work/drive$number"
        options+=(--disk "$work/drive$number,virtio,drive$number")
        drives+=("serial:drive$number")
      done
    fi
    if [ "$(jq -r '.Keys.Kind' "$profile")" = key-tpm2 ]; then mkdir "$work/tpm"; options+=(--tpm "$work/tpm"); fi
    "$root/lab/lab" up "$guest" --kernel "$kernel" --share "$work" --forward "$port:9999" \
      --disk "$("$root/lab/host-image"),virtio,program,ro" "${options[@]}"
    gcc -O -o "$work/relay" "$root/tests/relay.c"
    mkdir "$work/here"
    jq --arg here "$work/here" '.Run = $here' "$profile" > "$work/here/$name.json"
    relay "$work/here/api.sock" "$port" &
    helper=$!
    cp "$profile" "$work/$name.json"
    jq -n --arg name "$name" --arg pool "$pool" '{Profile: $name} + if $ARGS.positional == [] then {} else {Pools: {($pool): {Devices: $ARGS.positional}}} end' \
      --args "${drives[@]}" > "$work/appsettings.json"
    in_guest 'mkdir -p /program /etc/evestorage/profiles; mount -t erofs -o ro $(lab-disk program) /program
      cp /share/'"$name"'.json /etc/evestorage/profiles; cp /share/appsettings.json /etc/evestorage
      printf "#!/bin/sh\nexec dotnet /program/evestorage.dll \"\$@\"\n" > /usr/local/bin/evestorage; chmod 755 /usr/local/bin/evestorage
      printf "#!/bin/sh\nexec /share/relay /run/evestorage/api.sock\n" > /root/relay; chmod 755 /root/relay
      setsid busybox nc -ll -p 9999 -e /root/relay > /dev/null 2>&1 < /dev/null &
      setsid evestorage serve > /root/daemon.log 2>&1 < /dev/null &
      while kill -0 $!; do
        [ -S /run/evestorage/api.sock ] && curl -sf --unix-socket /run/evestorage/api.sock http://host/v1/host > /dev/null && exit 0; sleep 0.5
      done 2> /dev/null
      exit 1'
  }
fi

# Has to be refused, with the kind of error that is given.
refused() {
  local kind=$1 said
  shift
  said=$(run_host "$@" 2>&1) && fail "evestorage $* is done, and has to be refused"
  [ "$(jq -r '.error.kind' <<< "$said")" = "$kind" ] || fail "evestorage $*: not $kind, but $said"
  say "refused: $(jq -r '.error | "\(.subject): \(.message)"' <<< "$said")"
}

# In the guest: the volume as a disk, in $disk. The guest's id as a host is one for all the run.
give() {
  if [ -z "$transport" ]; then disk=$(evestorage volume list | jq -r --arg name "$1" '.[] | select(.name == $name).path'); return; fi
  subsystem=$(evestorage export add "$pool/$1" --transport "$transport" $(hosts "$transport") | jq -r .results.subsystem)
  local address
  address=$(evestorage export list | jq -r --arg volume "$pool/$1" '.[] | select(.volume == $volume).address')
  case $address in
  tcp://*)
    in_guest "modprobe nvme-tcp; nvme connect -t tcp -a $loopback -s ${address##*:} -n $subsystem -i 2 -c 1 --hostnqn=$host \
      --hostid=5ce0a210-0000-4000-8000-000000000001; udevadm settle"
    disk="/dev/\$(basename \$(ls -d \$(dirname \$(grep -lx $subsystem /sys/class/nvme-subsystem/*/subsysnqn))/nvme*n1))" ;;
  file://*) disk=${address#file://} ;;
  *) fail "no way to $address" ;;
  esac
  in_guest "[ -b $disk ]"
}
take() {
  [ -n "$transport" ] || return 0
  case $disk in /dev/*) in_guest "nvme disconnect -n $subsystem" > /dev/null ;; esac
  evestorage export remove "$pool/$1" > /dev/null
}
kind_of() { jq -r --arg name "$1" '.Transports[$name].Kind' "$profile"; }
# One that serves this machine alone knows no hosts.
hosts() { [ "$(kind_of "$1")" = nvmet-loop ] || echo --host "$host"; }

say "serve"
"$root/lab/ensure" "$kernel"
serve

say "pool create"
evestorage pool create "$pool" > /dev/null
status=$(evestorage pool status "$pool")
[ "$(jq -r .status.health <<< "$status")" = healthy ] || fail "a new pool is not healthy: $status"
snapshots=$(jq 'if .traits | tostring | test("snapshots"; "i") then 1 else 0 end' <<< "$status")

say "image import"
mkdir "$work/files"
head -c 33554432 /dev/urandom > "$work/files/data"
mke2fs -q -t ext4 -d "$work/files" "$work/raw" 64M > /dev/null
qemu-img convert -f raw -O qcow2 -c "$work/raw" "$work/image.qcow2"
digest=$(sha256sum < "$work/raw" | cut -d' ' -f1)
imported=$(evestorage image import "$images/image.qcow2" "$pool/vm1" --verify | jq -r .results.sha256)
[ "$imported" = "$digest" ] || fail "imported $imported, not $digest"

say "export add, and verify in the guest"
transport=
for each in $(jq -r '.Transports | keys[]' "$profile"); do
  [ "${kernel%-zfs}/$(kind_of "$each")" = 6.1/nvmet-loop ] || { transport=$each; break; }
  refused unavailable export add "$pool/vm1" --transport "$each"
  [ "$(evestorage export list | jq length)" = 0 ] || fail "an export is left of a refusal"
done
give vm1
read=$(in_guest "sha256sum < $disk" | cut -d' ' -f1)
[ "$read" = "$digest" ] || fail "the guest reads $read, not $digest"
in_guest "mkdir -p /mnt/v; mount $disk /mnt/v; echo one > /mnt/v/one; umount /mnt/v"
take vm1

if [ "$snapshots" = 1 ]; then
  say "volume snapshot, volume clone"
  evestorage volume snapshot "$pool/vm1@one" > /dev/null
  evestorage volume clone "$pool/vm1@one" vm2 > /dev/null
  give vm1
  in_guest "mount $disk /mnt/v; echo two > /mnt/v/two; umount /mnt/v"
  take vm1

  say "volume rollback"
  evestorage volume rollback "$pool/vm1@one" --yes > /dev/null
else
  say "volume snapshot"
  refused not-supported volume snapshot "$pool/vm1@one"
fi
give vm1
in_guest "mount $disk /mnt/v; [ \$(cat /mnt/v/one) = one ]; [ ! -e /mnt/v/two ]"

say "volume resize, in use"
evestorage volume resize "$pool/vm1" 96MiB > /dev/null
in_guest "for i in \$(seq 50); do [ \$(blockdev --getsize64 $disk) = $((96 << 20)) ] && break; sleep 0.2; done
  resize2fs $disk 2>/dev/null; [ \$(df --output=size -m /mnt/v | tail -1) -gt 75 ]; umount /mnt/v" > /dev/null
take vm1

if [ "$snapshots" = 1 ]; then
  say "the clone has what the snapshot had"
  give vm2
  in_guest "mount -o ro $disk /mnt/v; [ \$(cat /mnt/v/one) = one ]; [ ! -e /mnt/v/two ]; umount /mnt/v"
  take vm2
fi

say "no event of anything that is wrong"
said=$(evestorage events | jq -c 'select(.severity == "critical")')
[ -z "$said" ] || fail "$said"

say "volume delete, pool delete"
[ "$snapshots" = 0 ] || evestorage volume delete "$pool/vm2" --yes > /dev/null
evestorage volume delete "$pool/vm1" --snapshots --yes > /dev/null
[ "$(evestorage volume list | jq length)" = 0 ] || fail "volumes are left"
evestorage pool delete "$pool" --yes > /dev/null
