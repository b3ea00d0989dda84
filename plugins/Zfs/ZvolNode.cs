using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>The path of a volume's device: <c>/dev/zvol/POOL/volumes/NAME</c>. udev makes it as a link, and where there is no udev we do.</summary>
internal static class ZvolNode
{
    private const string Links = "/dev/zvol";
    private const string Udev = "/run/udev/control";

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_udevsTurn = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_noneCame = TimeSpan.FromSeconds(30);   // under emulation udev takes seconds for one

    /// <summary>Whether somebody makes links of devices here.</summary>
    internal static bool HasUdev => File.Exists(Udev);

    internal static string PathOf(string dataset) => $"{Links}/{dataset}";

    /// <summary>Waits until the path leads to the volume's device, which ZFS makes a moment after the volume, and gives the device's node.</summary>
    /// <exception cref="StorageException">It does not come.</exception>
    internal static async Task<string> RequireAsync(string dataset, string subject, TimeProvider time, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        while (true)
        {
            TimeSpan waited = time.GetElapsedTime(start);
            if (Find(dataset, subject, waited) is string node)
            {
                return node;
            }

            if (waited > s_longest)
            {
                throw new StorageException(StorageErrorKind.Unavailable, subject, $"has no device after {s_longest.TotalSeconds:0} s: {Advice(dataset)}");
            }

            await Task.Delay(s_pause, time, cancellationToken);
        }
    }

    /// <summary>
    /// Waits for the devices of many volumes, for as long as one after the other comes. Those that don't come are given back: one of
    /// them keeps no other from being used.
    /// </summary>
    internal static async Task<IReadOnlyList<(string Dataset, string Subject)>> AwaitAsync(
        IEnumerable<(string Dataset, string Subject)> volumes, TimeProvider time, CancellationToken cancellationToken)
    {
        List<(string Dataset, string Subject)> lacking = [.. volumes];
        long start = time.GetTimestamp();
        long came = start;
        while (true)
        {
            TimeSpan waited = time.GetElapsedTime(start);
            if (lacking.RemoveAll(volume => Find(volume.Dataset, volume.Subject, waited) is not null) > 0)
            {
                came = time.GetTimestamp();
            }

            if (lacking.Count == 0 || time.GetElapsedTime(came) > s_noneCame)
            {
                return lacking;
            }

            await Task.Delay(s_pause, time, cancellationToken);
        }
    }

    /// <summary>What to do about one that does not come.</summary>
    internal static string Advice(string dataset) => $"look whether 'volmode' of {dataset} is dev, and at dmesg";

    /// <summary>The same, and makes sure of the size.</summary>
    internal static async Task RequireAsync(string dataset, ByteSize size, string subject, TimeProvider time, CancellationToken cancellationToken)
    {
        string node = await RequireAsync(dataset, subject, time, cancellationToken);
        ByteSize there = BlockDevice.GetSize(node);
        if (there != size)
        {
            throw new StorageException(StorageErrorKind.Io, subject, $"has {there} as a device, not {size}");
        }
    }

    /// <summary>Takes the link of a volume away that is gone, where no udev does.</summary>
    internal static void Forget(string dataset)
    {
        FileInfo link = new(PathOf(dataset));
        if (!HasUdev && link.LinkTarget is not null && Zvol.NameOf(link.FullName) != dataset)
        {
            FileCalls.Run(link.FullName, link.Delete);
        }
    }

    // udev makes the link, and where there is none, or it is late, we do.
    private static string? Find(string dataset, string subject, TimeSpan waited)
    {
        string path = PathOf(dataset);
        if ((!Path.Exists(path) || Zvol.NameOf(path) != dataset) && (!HasUdev || waited > s_udevsTurn) && Zvol.FindNode(dataset) is string node)
        {
            Link(path, node, subject);
        }

        return Path.Exists(path) && Zvol.NameOf(path) == dataset ? DriveNode.Resolve(path) : null;
    }

    private static void Link(string path, string node, string subject)
    {
        FileInfo link = new(path);
        if (link.Exists && link.LinkTarget is null)
        {
            throw new StorageException(StorageErrorKind.Conflict, subject, $"{path} is a file, and no link to its device: remove it");
        }

        FileCalls.Run(path, () =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            link.Delete();
            File.CreateSymbolicLink(path, node);
        });
    }
}
