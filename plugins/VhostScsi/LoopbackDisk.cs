using EveStorage.Linux;

namespace EveStorage.VhostScsi;

/// <summary>A disk that tcm_loop makes of a backstore for this machine. The kernel makes its node a moment after the disk is linked.</summary>
internal static class LoopbackDisk
{
    private const string Devices = "/sys/class/scsi_device";

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Its node; null while there is none.</summary>
    internal static string? Find(TargetTree tree, string wwn, int lun)
    {
        // drivers/target/loopback/tcm_loop.c, tcm_loop_tpg_address_show: the host, the bus and the target of the controller's disks.
        string? address = tree.IsLoopback ? Configfs.Find($"{tree.GroupOf(wwn)}/address") : null;
        string blocks = $"{Devices}/{address}:{lun}/device/block";
        return address is not null && Configfs.Names(blocks) is [string name, ..] && File.Exists($"/dev/{name}") ? $"/dev/{name}" : null;
    }

    /// <summary>Waits until it is there, where disks are this machine's.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Io"/>: the kernel does not make it.</exception>
    internal static async Task WaitAsync(TargetTree tree, string wwn, int lun, CancellationToken cancellationToken)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (tree.IsLoopback && Find(tree, wwn, lun) is null)
        {
            if (TimeProvider.System.GetElapsedTime(start) > LinkLun.Patience)
            {
                throw new StorageException(StorageErrorKind.Io, wwn, $"the kernel makes no disk of {lun} in {LinkLun.Patience.TotalSeconds:0} s: look at its log");
            }

            await Task.Delay(s_pause, cancellationToken);
        }
    }
}
