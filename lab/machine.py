"""A guest as QEMU's command line, and its drives, which come and go while it runs."""
import hashlib
import os
import time

# No timer check and no tests of ciphers: both are slow under emulation and say nothing about storage.
KERNEL_WORDS = ("console=ttyS0 panic=-1 quiet loglevel=5 nokaslr mitigations=off no_timer_check tsc=unstable cryptomgr.notests "
                "random.trust_cpu=on audit=0 apparmor=0")

INITRD = 256 << 20


class Disk:
    """FILE[,virtio|nvme|scsi[,SERIAL[,ro]]]"""

    def __init__(self, words, serial):
        parts = words.split(",")
        self.file = os.path.abspath(parts[0])
        self.bus = parts[1] if len(parts) > 1 and parts[1] else "virtio"
        self.serial = parts[2] if len(parts) > 2 and parts[2] else serial
        self.read_only = parts[3:] == ["ro"]
        if not os.path.exists(self.file):
            raise RuntimeError(f"{self.file}: is not there")
        if self.bus not in ("virtio", "nvme", "scsi") or len(self.serial) > 20 or parts[4:] or (parts[3:] and not self.read_only):
            raise RuntimeError(f"{words}: is not FILE[,virtio|nvme|scsi[,SERIAL of 20 characters at most[,ro]]]")

    def add(self, monitor):
        monitor("blockdev-add", driver="raw", node_name="node-" + self.serial, read_only=self.read_only, discard="unmap",
                file={"driver": "file", "filename": self.file, "discard": "unmap"})
        device = {"drive": "node-" + self.serial, "serial": self.serial, "id": self.serial}
        if self.bus == "virtio":
            monitor("device_add", driver="virtio-blk-pci", **device)
        elif self.bus == "nvme":
            monitor("device_add", driver="nvme", **device)
        else:
            # A name that is the same at each start (NAA 5, of a registered vendor): Linux shows it as the disk's wwid.
            name = 0x5 << 60 | int(hashlib.sha256(self.serial.encode()).hexdigest()[:15], 16)
            monitor("device_add", driver="scsi-hd", bus="scsi.0", wwn=name, **device)


def remove_disk(monitor, serial):
    """Asks the guest to let go of it, as a slot's button does, and waits until it has."""
    monitor("device_del", id=serial)
    ends = time.monotonic() + 60
    while True:
        try:
            monitor("blockdev-del", node_name="node-" + serial)
            return
        except RuntimeError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.1)


def command(image, place, options):
    """Devices have fixed slots, since a saved state is of a machine with the same ones."""
    network = "user,id=net" + "".join(",hostfwd=tcp:127.0.0.1:{}-10.0.2.15:{}".format(*pair.split(":")) for pair in options.forward)
    root = "nvme lab.nvme=" + options.root if options.root else "erofs"
    share = options.share or place + "/share"
    os.makedirs(share, exist_ok=True)
    initrd, words = ["-initrd", image + "/initrd.cpio"], ""
    if options.tpm:
        # QEMU 7.2 puts an initrd at the end of memory, over the ACPI tables that a TPM makes longer. Elsewhere, Linux
        # has to be told to use that memory for nothing else (arch/x86/kernel/setup.c, reserve_initrd).
        size = os.path.getsize(image + "/initrd.cpio")
        initrd = ["-device", f"loader,file={image}/initrd.cpio,addr={INITRD:#x},force-raw=on"]
        words = f"initrdmem={INITRD:#x},{size} memmap={size + 4095 & ~4095}${INITRD:#x}"
    arguments = [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-accel", "tcg,thread=multi", "-machine", "pc",
        "-cpu", "max,-hypervisor" if options.bare else "max", "-smp", options.smp, "-m", options.mem, "-kernel", image + "/vmlinux", *initrd,
        "-append", f"{KERNEL_WORDS} {words} lab.root={root}", "-serial", f"file:{place}/console", "-pidfile", f"{place}/pid", "-daemonize",
        "-qmp", f"unix:{place}/monitor.sock,server=on,wait=off",
        # Without a new generation two guests of one saved state would draw the same random numbers.
        "-device", "vmgenid,guid=auto",
        "-device", "virtio-serial-pci,addr=0x5", "-chardev", f"socket,id=agent,path={place}/agent.sock,server=on,wait=off",
        "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
        "-netdev", network, "-device", "virtio-net-pci,netdev=net,romfile=,addr=0x6",
        "-fsdev", f"local,id=share,path={share},security_model=none,readonly=on",
        "-device", "virtio-9p-pci,fsdev=share,mount_tag=share,addr=0x7", "-device", "virtio-scsi-pci,id=scsi,addr=0x8"]
    if not options.root:
        arguments += ["-drive", f"if=none,id=root,file={image}/root.erofs,format=raw,readonly=on",
                      "-device", "virtio-blk-pci,drive=root,serial=labroot,addr=0x4"]
    if options.tpm:
        arguments += ["-chardev", f"socket,id=tpm,path={place}/tpm.sock", "-tpmdev", "emulator,id=tpm,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm"]
    return arguments
