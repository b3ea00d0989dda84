using EveStorage.Linux;

namespace EveStorage.FileSystems;

/// <summary>What lies below a file system, as the steps look at it: what is on it, and where that is mounted.</summary>
internal sealed class FileSystemDevice(LayerSite site, FileSystemFormat format, FileSystemOptions options)
{
    /// <summary>Where it is.</summary>
    internal LayerSite Site => site;

    /// <summary>The kind.</summary>
    internal FileSystemFormat Format => format;

    /// <summary>How it is mounted.</summary>
    internal MountOptions Options => new(site.Mount?.ReadOnly == true, options.NoPrograms, format.MountData);

    /// <summary>Where it is to be mounted; null when nowhere.</summary>
    internal string? Point => site.Mount?.Path;

    /// <summary>Whether what lies below is there.</summary>
    internal bool IsThere => File.Exists(site.LowerPath);

    /// <summary>The device or the file below, not a link to it.</summary>
    internal string LowerPath => File.ResolveLinkTarget(site.LowerPath, returnFinalTarget: true)?.FullName ?? site.LowerPath;

    /// <summary>Whether a file lies below, which the kernel has to make a device of.</summary>
    internal bool IsFile => BlockDevice.FindNumber(LowerPath) is null;

    /// <summary>The device now; null while none is made of a file.</summary>
    internal string? FindNode() => IsFile ? LoopDevice.Find(LowerPath) : LowerPath;

    /// <summary>Whether all the space of a file below was taken beforehand.</summary>
    internal bool KeepsSpace => IsFile && BlockFile.Look(LowerPath) is FileFacts facts && facts.Allocated >= facts.Length;

    /// <summary>The size of what lies below.</summary>
    internal ByteSize LowerSize => IsFile ? new(BlockFile.Look(LowerPath).Length) : BlockDevice.GetSize(LowerPath);

    /// <summary>The file system that is there, whosever it is; null when there is none of this kind.</summary>
    internal Superblock? Find()
    {
        // From the device where there is one: what is mounted is newer there.
        using BlockFile lower = BlockFile.Open(FindNode() ?? LowerPath, writable: false, site.Subject);
        byte[] head = new byte[Math.Min(Superblock.HeadLength, LowerSize.Bytes)];
        lower.Read(0, head);
        return head.Length == Superblock.HeadLength ? format.Read(head) : null;
    }

    /// <summary>The file system that is there, which we made; null when there is none of this kind.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: somebody else made it.</exception>
    internal Superblock? FindOurs()
    {
        Superblock? found = Find();
        return found is null or { IsOurs: true }
            ? found
            : throw Fail(StorageErrorKind.Conflict, $"holds a file system {format.Kind} that is not ours: nothing was touched");
    }

    /// <summary>The file system that is there, which we made to its end.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: there is none, or it is half made.
    /// <see cref="StorageErrorKind.Conflict"/>: somebody else made it.</exception>
    internal Superblock RequireWhole()
        => FindOurs() is not Superblock found ? throw Fail(StorageErrorKind.NotFound, $"{site.LowerPath} holds no file system {format.Kind}: nothing was touched")
            : found.IsWhole ? found
            : throw Fail(StorageErrorKind.NotFound, $"{site.LowerPath} holds a file system whose making was cut short: finish or undo that operation");

    /// <summary>Every place where it is mounted now.</summary>
    internal IReadOnlyList<Mount> FindMounts()
        => IsThere && FindNode() is string node && BlockDevice.FindNumber(node) is string number
            ? [.. MountTable.Read().Where(mount => mount.Device == number)]
            : [];

    /// <summary>What is mounted of it where it is to be; null when it is not.</summary>
    internal Mount? FindMounted()
        => Point is string point && FindMounts().FirstOrDefault(mount => mount.Point == point) is Mount found && MountTable.FindAt(point)?.Device == found.Device ? found : null;

    /// <summary>Throws if it is mounted.</summary>
    internal void RequireUnmounted()
    {
        if (FindMounts() is [Mount mount, ..])
        {
            throw Fail(StorageErrorKind.Busy, $"is mounted at {mount.Point}: unmount it first");
        }
    }

    /// <summary>Does something with the device, which is made of a file for as long as that takes and somebody uses it.</summary>
    internal async Task WithNodeAsync(Func<string, Task> use)
    {
        // One that was just let go of may still be there, and would be gone while it is used.
        using LoopDevice? made = IsFile ? LoopDevice.Attach(LowerPath, site.Subject) : null;
        await use(made?.Path ?? LowerPath);
    }

    /// <summary>Mounts it where it is to be.</summary>
    internal Task MountAsync()
        => WithNodeAsync(node =>
        {
            MountUse.Begin(node, format.Kind, Options, site.Mount!, site.Subject);
            return Task.CompletedTask;
        });

    /// <summary>Makes the file system that is there unknown to everybody: what tells it lies in the first bytes.</summary>
    internal void WipeHead()
    {
        using BlockFile lower = BlockFile.Open(LowerPath, writable: true, site.Subject);
        lower.Write(0, new byte[Math.Min(Superblock.HeadLength, LowerSize.Bytes)]);
        lower.Flush();
    }

    internal StorageException Fail(StorageErrorKind kind, string message) => new(kind, site.Subject, message);
}
