#!/usr/bin/env bash
# Installs what the tests need, builds, runs every test. Its last line is "N passed, N failed, N skipped".
set -uo pipefail
cd "$(dirname "$0")"
# One compiler for all projects: each of its own starts cold, which is most of a build.
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 UseSharedCompilation=true

usage() { echo "usage: ./test.sh [--no-lab] [--long]"; exit 2; }
for option in "$@"; do
  case $option in
    --no-lab) export EVESTORAGE_NO_LAB=1 ;;
    --long) export EVESTORAGE_LONG=1 ;;
    *) usage ;;
  esac
done

# The lab's guest is made of this machine's packages, so it's packages that are asked for, not commands.
needs=(gcc make libc6-dev linux-libc-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross jq curl systemd procps util-linux e2fsprogs qemu-utils xz-utils xfsprogs btrfs-progs cryptsetup-bin swtpm tpm2-tools libdeflate0 libzstd1 python3-jsonschema containerd runc busybox-static)
# containerd's own suite for snapshotters is built from Debian's sources of it, which takes minutes.
[ -z "${EVESTORAGE_LONG:-}" ] || needs+=(golang-go golang-github-containerd-containerd-dev)
[ -n "${EVESTORAGE_NO_LAB:-}" ] || needs+=(
  qemu-system-x86 erofs-utils busybox-static kmod cpio zstd binutils udev dmsetup iproute2 python3
  nvme-cli fio strace qemu-guest-agent lvm2 thin-provisioning-tools)
missing=()
for need in "${needs[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$need" 2>/dev/null)" = installed ] || missing+=("$need")
done
echo "test.sh: 40 minutes and more on two cores with the lab, 12 to 20 without (--no-lab)."
if [ ${#missing[@]} -gt 0 ]; then
  echo "test.sh: installs by apt: ${missing[*]}"
  apt=(apt-get -o DPkg::Lock::Timeout=600 -qq)
  [ "$(id -u)" = 0 ] || apt=(sudo "${apt[@]}")
  "${apt[@]}" update && DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null ||
    echo "test.sh: not everything could be installed; tests say what they miss"
fi

results=$(mktemp -d)
trap 'rm -rf "$results"; [ "${CI:-}" != true ] || dotnet build-server shutdown --vbcscompiler > /dev/null' EXIT
failed_runs=0
dotnet restore EveStorage.Plugins.sln --locked-mode -v quiet && dotnet build EveStorage.Plugins.sln --no-restore -v quiet -clp:NoSummary || failed_runs=1

if [ $failed_runs = 0 ]; then
  # No lab is a failure of its own, since tests for it may only be skipped where they aren't asked for.
  [ -n "${EVESTORAGE_NO_LAB:-}" ] || { lab/ensure && lab/ensure 6.1; } || { echo "test.sh: the lab could not be built"; failed_runs=1; }
  # OpenZFS is compiled for minutes, by what the tests before the lab's leave of the processors. It is of contrib, which a machine may
  # not reach: the tests that need it say so.
  [ -n "${EVESTORAGE_NO_LAB:-}" ] || { nice -n 5 lab/ensure 6.12-zfs || echo "test.sh: no guest has OpenZFS"; } &
  for project in tests/*.Tests; do
    name=$(basename "$(ls "$project"/*.csproj)" .csproj)
    # A project of which no test has been written yet has nothing to say.
    compgen -G "$project/*.cs" >/dev/null || compgen -G "$project/*/*.cs" >/dev/null || continue
    [ "$name" != EveStorage.Lab.Tests ] || wait
    echo "== $name"
    timeout 3000 "artifacts/bin/$name/debug/$name" -noLogo -noColor -result-ctrf "$results/$name.json" || true
    # At once, since a run that is ended from outside has no last lines.
    jq -r '.results.tests[] | select(.status == "failed") | "failed: \(.name)"' "$results/$name.json" 2>/dev/null
    # A run that crashed or was ended leaves no report: that is a failure, whatever it had passed.
    jq -e .results.summary "$results/$name.json" >/dev/null 2>&1 || { echo "$name ended without a report"; failed_runs=$((failed_runs + 1)); }
  done
fi

count() { { compgen -G "$results/*.json" >/dev/null && jq -s "map(.results.summary.$1) | add" "$results"/*.json; } || echo 0; }
passed=$(count passed) failed=$(($(count failed) + failed_runs)) skipped=$(count skipped)
# Named once more at the end, since whoever reads a long run sees its end first.
if compgen -G "$results/*.json" >/dev/null; then
  jq -r '.results.tests[] | select(.status == "failed") | "failed: \(.name)\n\((.message // "")[:1500])"' "$results"/*.json
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
