using System.Globalization;
using EveStorage.ContainerdSnapshotter.Protocol;
using EveStorage.Linux;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>
/// Where the snapshots of one name lie: a directory each, called by its number, with what was written (<c>fs</c>), what the kernel
/// needs beside it (<c>work</c>) and its record. One is built under another name, and a rename publishes it or takes it away: a
/// crash leaves a whole one, or what the next start removes.
/// </summary>
internal sealed class LayerDirectory(string path)
{
    private const string Building = "new-";
    private const string Leaving = "rm-";

    /// <summary>Where what was written to a snapshot lies.</summary>
    internal string FilesOf(long number) => Path.Combine(PathOf(number), "fs");

    /// <summary>What the kernel needs beside it.</summary>
    internal string WorkOf(long number) => Path.Combine(PathOf(number), "work");

    /// <summary>Every snapshot that is there. What a crash left half made, or half removed, is queued to be removed.</summary>
    /// <exception cref="StorageException">A record can't be read.</exception>
    internal IReadOnlyList<(long Number, SnapshotRecord Record)> Read(Action<string> remove)
    {
        DurableFile.MakeDirectory(path);
        List<(long, SnapshotRecord)> found = [];
        foreach (string entry in FileCalls.Run(path, () => Directory.EnumerateDirectories(path).ToList()))
        {
            string name = Path.GetFileName(entry);
            if (name.StartsWith(Leaving, StringComparison.Ordinal))
            {
                remove(entry);
            }
            else if (name.StartsWith(Building, StringComparison.Ordinal))
            {
                remove(Leave(entry, name));   // under another name at once: its number is the next one's, who would build there while it goes
            }
            else if (long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                found.Add((number, SnapshotRecord.Read(Path.Combine(entry, "snapshot.json"))));
            }
        }

        return found;
    }

    /// <summary>Makes a snapshot. Once this returns it survives a crash.</summary>
    internal void Make(long number, SnapshotRecord record)
    {
        string temporary = Path.Combine(path, $"{Building}{number}");
        FileCalls.Run(temporary, () =>
        {
            Remove(temporary);
            Directory.CreateDirectory(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            Directory.CreateDirectory(Path.Combine(temporary, "fs"), (UnixFileMode)0b111_101_101);
            File.SetUnixFileMode(Path.Combine(temporary, "fs"), (UnixFileMode)0b111_101_101);   // whatever our own mask says
            if (record.Kind == Kind.Active)
            {
                Directory.CreateDirectory(Path.Combine(temporary, "work"), (UnixFileMode)0b111_001_001);
            }
        });
        if (record.Below is [long parent, ..])
        {
            FileOwner.CopyTo(Path.Combine(temporary, "fs"), FilesOf(parent));
        }

        record.Write(Path.Combine(temporary, "snapshot.json"));
        DurableFile.Publish(temporary, PathOf(number));
    }

    /// <summary>Replaces a snapshot's record.</summary>
    internal void Write(long number, SnapshotRecord record) => record.Write(Path.Combine(PathOf(number), "snapshot.json"));

    /// <summary>Takes a snapshot away by name, at once and whoever uses it.</summary>
    /// <returns>What is left to remove.</returns>
    internal string Retire(long number) => Leave(PathOf(number), number.ToString(CultureInfo.InvariantCulture));

    /// <summary>Removes a directory with all that is in it, following nothing that leads elsewhere.</summary>
    internal static void Remove(string directory)
    {
        if (Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>What a snapshot's own files take: the blocks of each, however many names it has.</summary>
    internal LayerUsage Measure(long number)
    {
        HashSet<ulong> seen = [];
        long size = 0;
        Stack<string> directories = new([FilesOf(number)]);
        size += Add(FilesOf(number));
        while (directories.TryPop(out string? directory))
        {
            foreach (FileSystemInfo entry in FileCalls.Run(directory, () => new DirectoryInfo(directory).EnumerateFileSystemInfos().ToList()))
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

    private string Leave(string directory, string name)
    {
        string leaving = Path.Combine(path, $"{Leaving}{name}-{Guid.NewGuid():N}");
        DurableFile.Publish(directory, leaving);
        return leaving;
    }

    private string PathOf(long number) => Path.Combine(path, number.ToString(CultureInfo.InvariantCulture));
}
