#!/usr/bin/env python3
"""Stages a small root, by hard links where it can.

  mkroot.py OUT          out of this machine's installed Debian packages
  mkroot.py OUT dotnet   adds this machine's .NET and ASP.NET, so that a published host runs
"""
import os
import re
import shutil
import subprocess
import sys

# What the guest runs; their dependencies come along.
PACKAGES = """base-files base-passwd bash coreutils cryptsetup-bin curl dash diffutils dmsetup e2fsprogs fio findutils mawk grep gzip hostname iproute2 jq
kmod libc-bin libstdc++6 libssl3 zlib1g lvm2 mount nvme-cli procps qemu-guest-agent sed strace tar thin-provisioning-tools tpm2-tools udev util-linux
xfsprogs busybox-static""".split()
SKIPPED = re.compile(
    r"^/usr/share/(doc|man|locale|info|bash-completion|lintian|zoneinfo|perl|i18n|icons)(/|$)"
    r"|^/usr/lib/python3|/perl|^$|^/\.$|^diverted|^package")


def closure(names):
    """The installed packages among these, and what they depend on."""
    listing = subprocess.run(["dpkg-query", "-W", "-f", "${Package}\t${Status}\t${Pre-Depends},${Depends}\n"],
                             capture_output=True, text=True, check=True).stdout
    needs = {}
    for line in listing.splitlines():
        package, status, depends = line.split("\t")
        if " installed" in status:
            needs[package] = [re.split(r"[ (:]", d.strip())[0] for d in re.split(r"[,|]", depends) if d.strip()]
    absent = [name for name in names if name not in needs]
    if absent:
        sys.exit("mkroot: not installed: " + " ".join(absent))
    seen, todo = set(), list(names)
    while todo:
        package = todo.pop()
        if package not in seen and package in needs:
            seen.add(package)
            todo += needs[package]
    return sorted(seen)


def put(out, path):
    """Adds a file under its real directory, so that /bin and /usr/bin stay one."""
    directory, base = os.path.split(path)
    source = os.path.join(os.path.realpath(directory), base)
    if SKIPPED.search(path) or not (os.path.islink(source) or os.path.isfile(source)):
        return
    target = out + source
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.lexists(target):
        return
    try:
        # A file of /etc may be written later; a link would write the machine's own.
        if source.startswith("/etc"):
            raise OSError
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def newest(directory):
    return max(os.scandir(directory), key=lambda entry: [int(number) for number in re.findall(r"\d+", entry.name)]).path


def put_dotnet(out):
    """The program, and of each shared part that the host needs the newest."""
    root = os.path.dirname(os.path.realpath(shutil.which("dotnet") or sys.exit("mkroot: this machine has no dotnet")))
    for part in (root + "/dotnet", newest(root + "/host/fxr"), *(newest(f"{root}/shared/Microsoft.{name}.App") for name in ("NETCore", "AspNetCore"))):
        for path in [part] if os.path.isfile(part) else (os.path.join(d, f) for d, _, files in os.walk(part) for f in files):
            put(out, path)
    os.symlink(root + "/dotnet", out + "/usr/local/bin/dotnet")


def put_packages(out):
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    for link in ("bin", "sbin", "lib", "lib64"):
        os.symlink("usr/" + link, f"{out}/{link}")
    packages = closure(PACKAGES)
    for path in sorted(set(subprocess.run(["dpkg-query", "-L", *packages], capture_output=True, text=True, check=True).stdout.split("\n"))):
        put(out, path)
    for path in ("/etc/passwd", "/etc/group", "/etc/ld.so.cache", "/usr/bin/awk", "/etc/alternatives/awk", "/etc/nsswitch.conf"):
        put(out, path)
    for directory in "proc sys dev run tmp root mnt share etc var/lib var/log var/tmp usr/local/bin".split():
        os.makedirs(f"{out}/{directory}", exist_ok=True)
    print(len(packages), "packages")


if sys.argv[2:] == ["dotnet"]:
    put_dotnet(sys.argv[1])
else:
    put_packages(sys.argv[1])
