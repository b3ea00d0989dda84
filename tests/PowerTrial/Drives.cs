using EveStorage.Linux;

namespace EveStorage.PowerTrial;

/// <summary>
/// How the guest's drives are put together. The state's file system and the pool lie on one drive, whose cache a power cut empties
/// for both at once; what becomes stable of it goes to one log, and what becomes stable of the pool alone to another.
/// </summary>
internal static class Drives
{
    private const int StateSectors = 96 << 11;
    private const int PoolSectors = 320 << 11;

    /// <summary>The size of the drive that has both, in MiB.</summary>
    internal const int MebiBytes = (StateSectors + PoolSectors) >> 11;

    /// <summary>The device of the drive with a serial.</summary>
    internal static async Task<string> FindAsync(string serial) => (await Machine.ShellAsync($"lab-disk {serial}")).Trim();

    /// <summary>Makes the drive and its logs; the file system is there and flushed when this returns, and marked.</summary>
    internal static async Task RecordAsync()
    {
        await Machine.ShellAsync($"""
            udevadm control --exit || true
            modprobe -a dm-log-writes dm-thin-pool dm-crypt ext4
            dmsetup create logged --table "0 {StateSectors + PoolSectors} log-writes $(lab-disk drive) $(lab-disk log)"
            dmsetup create cut-state --table "0 {StateSectors} linear /dev/mapper/logged 0"
            dmsetup create below --table "0 {PoolSectors} linear /dev/mapper/logged {StateSectors}"
            dmsetup create logged-pool --table "0 {PoolSectors} log-writes /dev/mapper/below $(lab-disk poollog)"
            dmsetup create cut-pool --table "0 {PoolSectors} linear /dev/mapper/logged-pool 0"
            mkfs.ext4 -q -E nodiscard /dev/mapper/cut-state
            mkdir -p /cut; mount -t ext4 /dev/mapper/cut-state /cut
            mkdir -m 0700 {Machine.State} {Machine.Keys}; sync -f /cut
            """);
        await MarkAsync("begin");
    }

    /// <summary>Notes in both logs what is acknowledged by now.</summary>
    internal static Task MarkAsync(string mark) => Machine.ShellAsync($"dmsetup message logged-pool 0 mark {mark}; dmsetup message logged 0 mark {mark}");

    /// <summary>The drive as a cut left it: what is then written to it goes elsewhere, and is forgotten.</summary>
    internal static Task CutAsync(bool poolAlone) => Machine.ShellAsync($"""
        if [ ! -d /cut ]; then modprobe -a dm-snapshot dm-thin-pool dm-crypt ext4; mkdir /cut; fi
        """ + (poolAlone ? $"""

        dmsetup create cut-pool --table "0 {PoolSectors} snapshot $(lab-disk poolreplay) $(lab-disk scratch) N 8"
        mount -t tmpfs none /cut; mkdir -m 0700 {Machine.State} {Machine.Keys}
        """ : $"""

        dmsetup create cut --table "0 {StateSectors + PoolSectors} snapshot $(lab-disk replay) $(lab-disk scratch) N 8"
        dmsetup create cut-state --table "0 {StateSectors} linear /dev/mapper/cut 0"
        dmsetup create cut-pool --table "0 {PoolSectors} linear /dev/mapper/cut {StateSectors}"
        mount -t ext4 /dev/mapper/cut-state /cut
        """));

    /// <summary>Takes it apart again, whatever is left of it. One device can go after another that is on it: so it is tried until none is left.</summary>
    internal static Task ForgetAsync() => Machine.ShellAsync("""
        for i in $(seq 50); do
          dmsetup remove_all > /dev/null 2>&1 || true
          ! mountpoint -q /cut || umount /cut || true
          [ "$(dmsetup ls)" != "No devices found" ] || exit 0
          [ $i -lt 5 ] || sleep 0.2
        done
        dmsetup ls >&2; exit 1
        """);

    /// <summary>Opens the drive that a log is replayed to.</summary>
    internal static async Task<BlockFile> OpenReplayAsync(bool poolAlone) => BlockFile.Open(await FindAsync(poolAlone ? "poolreplay" : "replay"), writable: true);
}
