using EveStorage.ContainerdSnapshotter.Protocol;
using EveStorage.Linux;
using Mount = EveStorage.ContainerdSnapshotter.Protocol.Mount;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>Layers are directories in one file system: what was written (<c>fs</c>), and what the kernel needs beside it (<c>work</c>).</summary>
internal sealed class OverlayForm : ILayerForm
{
    /// <inheritdoc/>
    public Task<LayerUsage> MakeAsync(string directory, SnapshotRecord record, string? parent)
    {
        if (record.Limit is ByteSize limit)
        {
            throw new StorageException(
                StorageErrorKind.NotSupported, record.Key, $"asks for a limit of {limit}, which directories of one file system can't keep to: set Mode to Clone, on xfs or btrfs, and pull the image anew");
        }

        string files = FilesOf(directory);
        FileCalls.Run(directory, () =>
        {
            Directory.CreateDirectory(files, (UnixFileMode)0b111_101_101);
            File.SetUnixFileMode(files, (UnixFileMode)0b111_101_101);   // whatever our own mask says
            if (record.Kind == Kind.Active)
            {
                Directory.CreateDirectory(WorkOf(directory), (UnixFileMode)0b111_001_001);
            }
        });
        if (parent is not null)
        {
            FileOwner.CopyTo(files, FilesOf(parent));
        }

        return Task.FromResult(new LayerUsage(0, 0));
    }

    // As overlayfs takes it: Documentation/filesystems/overlayfs.rst. One layer alone needs no overlay.
    public IReadOnlyList<Mount> MountsOf(string directory, SnapshotRecord record, IReadOnlyList<string> below)
    {
        bool written = record.Kind == Kind.Active;
        if (below.Count == 0 || (!written && below.Count == 1))
        {
            Mount bind = new() { Type = "bind", Source = FilesOf(below.Count == 0 ? directory : below[0]) };
            bind.Options.AddRange([written ? "rw" : "ro", "rbind"]);
            return [bind];
        }

        Mount overlay = new() { Type = "overlay", Source = "overlay" };
        overlay.Options.Add("index=off");
        if (written)
        {
            overlay.Options.AddRange([$"workdir={WorkOf(directory)}", $"upperdir={FilesOf(directory)}"]);
        }

        overlay.Options.Add($"lowerdir={string.Join(':', below.Select(FilesOf))}");
        return [overlay];
    }

    /// <inheritdoc/>
    public Task<FixedLayer> FixAsync(string directory, SnapshotRecord record)
    {
        MountedFileSystem.Sync(FilesOf(directory));
        return Task.FromResult(new FixedLayer(Measure(directory, record)));
    }

    /// <summary>The blocks of each file, however many names it has.</summary>
    public LayerUsage Measure(string directory, SnapshotRecord record)
    {
        HashSet<ulong> seen = [];
        Stack<string> directories = new([FilesOf(directory)]);
        long size = Add(FilesOf(directory));
        while (directories.TryPop(out string? at))
        {
            foreach (FileSystemInfo entry in FileCalls.Run(at, () => new DirectoryInfo(at).EnumerateFileSystemInfos().ToList()))
            {
                size += Add(entry.FullName);
                if (entry.Attributes.HasFlag(FileAttributes.Directory) && !entry.Attributes.HasFlag(FileAttributes.ReparsePoint))
                {
                    directories.Push(entry.FullName);
                }
            }
        }

        return new(size, seen.Count);

        long Add(string entry)
        {
            try
            {
                FileFacts facts = BlockFile.Look(entry);
                return seen.Add(facts.Inode) ? facts.Allocated : 0;
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
            {
                return 0;   // it was removed while we looked
            }
        }
    }

    /// <summary>Nothing: a commit is its record.</summary>
    public void Resume(string directory, SnapshotRecord record)
    {
    }

    /// <summary>Nothing: containerd mounts directories.</summary>
    public void Release(string directory)
    {
    }

    private static string FilesOf(string directory) => Path.Combine(directory, "fs");

    private static string WorkOf(string directory) => Path.Combine(directory, "work");
}
