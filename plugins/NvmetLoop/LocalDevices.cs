using EveStorage.Linux;
using EveStorage.Nvmet;

namespace EveStorage.NvmetLoop;

/// <summary>The devices of this machine that exported volumes are, and the links by which programs find them.</summary>
internal sealed class LocalDevices(string directory)
{
    /// <summary>The link of a volume: by the name that a person types, or by its id where that is none.</summary>
    internal string LinkOf(ExportSpec spec)
    {
        string[] parts = spec.Subject.Split('/');
        return parts.Length == 2 && parts.All(p => p.Length > 0 && p[0] != '.') ? Path.Combine(directory, parts[0], parts[1]) : Path.Combine(directory, $"{spec.VolumeId}");
    }

    /// <summary>The link that a volume was given, wherever it leads now and also when it is gone; null when it was given none.</summary>
    internal string? FindLink(Guid volume) => new FileInfo(NameOf(volume)).LinkTarget;

    /// <summary>Keeps which link is a volume's: its device may go, and its name be given to another.</summary>
    internal void Remember(Guid volume, string link) => Link(NameOf(volume), link);

    /// <summary>Keeps it no more.</summary>
    internal void Forget(Guid volume) => Unlink(NameOf(volume));

    /// <summary>The link that leads to a device; null when there is none.</summary>
    internal string? LinkTo(string device) => LinksTo(device) is [string first, ..] ? first : null;

    /// <summary>The links that lead to a device.</summary>
    internal IReadOnlyList<string> LinksTo(string device)
        => FileCalls.Run(directory, () => Directory.Exists(directory)
            ? (IReadOnlyList<string>)[.. Directory.EnumerateFileSystemEntries(directory, "*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1, AttributesToSkip = 0 })
                .Where(e => Path.GetFileName(e)[0] != '.' && new FileInfo(e).LinkTarget == device)]
            : []);

    /// <summary>Makes the link lead to a device: there is the old one or the new one, and never none.</summary>
    internal static void Link(string link, string device)
        => FileCalls.Run(link, () =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(link)!);
            string temporary = TemporaryOf(link);
            File.Delete(temporary);
            File.CreateSymbolicLink(temporary, device);
            File.Move(temporary, link, overwrite: true);
        });

    /// <summary>Takes a link away, and its directory when it was the last one.</summary>
    internal void Unlink(string link)
        => FileCalls.Run(link, () =>
        {
            string parent = Path.GetDirectoryName(link)!;
            if (!Directory.Exists(parent))
            {
                return;
            }

            File.Delete(link);
            File.Delete(TemporaryOf(link));   // of a crash
            if (parent != directory && !Directory.EnumerateFileSystemEntries(parent).Any())
            {
                Directory.Delete(parent);
            }
        });

    /// <summary>Waits until a volume's device can be opened and is as large as what it is on.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Unavailable"/>: it did not come.</exception>
    internal static async Task<string> WaitForAsync(NvmetNamespace served, TimeSpan limit, CancellationToken cancellationToken)
    {
        TimeSpan pause = TimeSpan.FromMilliseconds(50);
        for (TimeSpan waited = TimeSpan.Zero; ; waited += pause)
        {
            if (Find(served) is string device)
            {
                return device;
            }

            if (waited >= limit)
            {
                throw new StorageException(
                    StorageErrorKind.Unavailable, $"{served.Subsystem}", $"is connected, and number {served.Number} has no device of its size after {limit.TotalSeconds:0} s: the kernel's log may say why");
            }

            await Task.Delay(pause, cancellationToken);
        }
    }

    /// <summary>A volume's device, when it can be opened and is as large as what it is on; null when not.</summary>
    internal static string? Find(NvmetNamespace served)
    {
        if (FabricsHost.FindDevice(served.Subsystem, served.Id) is not string device || !File.Exists(device))
        {
            return null;
        }

        try
        {
            // A namespace has whole blocks of its size, so a file may be a little larger.
            ByteSize size = BlockDevice.GetSize(device);
            long behind = served.DevicePath is string path && File.Exists(path) ? SizeOf(path) : size.Bytes;
            return behind - size.Bytes is >= 0 and < 4096 ? device : null;
        }
        catch (StorageException)
        {
            return null;   // it is coming or going
        }
    }

    // No name of a volume or a pool begins with a dot.
    private string NameOf(Guid volume) => Path.Combine(directory, $".{volume}");

    private static string TemporaryOf(string link) => Path.Combine(Path.GetDirectoryName(link)!, $".{Path.GetFileName(link)}");

    private static long SizeOf(string path)
        => path.StartsWith("/dev/", StringComparison.Ordinal) ? BlockDevice.GetSize(path).Bytes : new FileInfo(path).Length;
}
