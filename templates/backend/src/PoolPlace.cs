using EveStorage;

namespace MyBackend;

/// <summary>Where a pool lies: a directory with the mark in <c>pool.json</c>, and below <c>volumes/</c> a directory a volume.</summary>
internal sealed class PoolPlace(string path, PoolName name)
{
    internal string Path => path;

    internal PoolName Name => name;

    internal string MarkPath => System.IO.Path.Combine(path, "pool.json");

    internal string Volumes => System.IO.Path.Combine(path, "volumes");

    /// <summary>The temporary name beside <paramref name="target"/> of what <paramref name="operation"/> makes or takes away. No name of a volume begins with a dot.</summary>
    internal static string Temporary(string target, Guid operation)
        => System.IO.Path.Combine(System.IO.Path.GetDirectoryName(target)!, $".tmp-{operation:N}-{System.IO.Path.GetFileName(target)}");

    /// <summary>The mark of the pool; null when nothing is there.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: what is there is not ours, or another pool.</exception>
    internal PoolMark? Find()
    {
        if (!System.IO.Path.Exists(path))
        {
            return null;
        }

        PoolMark? mark = Documents.Read(MarkPath, Json.Default.PoolMark);
        return mark is null || !mark.Mark.IsOurs ? throw new StorageException(StorageErrorKind.Conflict, $"{name}", $"{path} is there and no pool of ours: name a directory that is not there")
            : mark.Name != $"{name}" ? throw new StorageException(StorageErrorKind.Conflict, $"{name}", $"{path} is the pool '{mark.Name}'")
            : mark;
    }

    /// <summary>The volumes' directories.</summary>
    internal IEnumerable<VolumePlace> All()
        => Entries().Select(entry => System.IO.Path.GetFileName(entry)).Order(StringComparer.Ordinal)
            .Where(entry => VolumeName.TryParse(entry, out _)).Select(entry => new VolumePlace(this, new(entry)));

    /// <summary>What operations have left unfinished.</summary>
    internal IEnumerable<string> Unfinished() => Entries().Where(entry => System.IO.Path.GetFileName(entry).StartsWith(".tmp-", StringComparison.Ordinal));

    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: it holds something.</exception>
    internal void RequireEmpty()
    {
        if (Entries() is [string first, ..])
        {
            throw new StorageException(StorageErrorKind.Busy, $"{name}", $"holds '{System.IO.Path.GetFileName(first)}': delete its volumes first");
        }
    }

    private string[] Entries() => Failure.Guard(path, () => Directory.Exists(Volumes) ? Directory.GetDirectories(Volumes) : []);
}

/// <summary>Where a volume lies: a directory with its image, its record and the note of its last rename.</summary>
internal sealed class VolumePlace(PoolPlace pool, VolumeName name)
{
    internal VolumeName Name => name;

    internal string Subject => $"{pool.Name}/{name}";

    internal string Path => System.IO.Path.Combine(pool.Volumes, $"{name}");

    internal string Image => System.IO.Path.Combine(Path, "image");

    /// <summary>Our volume's record; null when nothing is there, or what is there is not ours.</summary>
    internal VolumeRecord? Find()
        => Documents.Read(System.IO.Path.Combine(Path, "record.json")) is byte[] document && VolumeDocument.Read(document, Subject) is { Mark.IsOurs: true } record ? record : null;

    /// <summary>Our volume's record; null when nothing is there.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: what is there is not ours.</exception>
    internal VolumeRecord? FindOurs()
        => Find() ?? (System.IO.Path.Exists(Path) ? throw new StorageException(StorageErrorKind.Conflict, Subject, $"{Path} is there and not ours") : null);

    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: there is no such volume.</exception>
    internal VolumeRecord Require() => FindOurs() ?? throw new StorageException(StorageErrorKind.NotFound, Subject, "there is no such volume");

    internal ByteSize Size() => new(Failure.Guard(Subject, () => new FileInfo(Image).Length));

    internal void WriteRecord(VolumeRecord record) => WriteRecord(Path, record);

    internal ChangeNote? Note() => Documents.Read(System.IO.Path.Combine(Path, "change.json"), Json.Default.ChangeNote);

    /// <summary>Says, before a rename, who is about to make it: after a crash the marks alone have to tell.</summary>
    internal void Note(Guid operation)
        => Documents.Write(
            System.IO.Path.Combine(Path, "change.json"), System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(new(Documents.Format, operation, $"{name}"), Json.Default.ChangeNote));

    /// <summary>Makes it under a temporary name, with its mark, and publishes it by one rename: it is there whole, or not at all.</summary>
    internal void Make(ByteSize size, VolumeRecord record)
    {
        string temporary = PoolPlace.Temporary(Path, record.Mark.Operation);
        Documents.Remove(temporary);
        Failure.Guard(Subject, () =>
        {
            Directory.CreateDirectory(temporary);
            using FileStream image = new(System.IO.Path.Combine(temporary, "image"), FileMode.CreateNew);
            image.SetLength(size.Bytes);
            image.Flush(flushToDisk: true);
            File.WriteAllBytes(System.IO.Path.Combine(temporary, "lock"), []);
        });
        WriteRecord(temporary, record);
        Documents.Publish(temporary, Path);
    }

    /// <summary>Removes it: first its name is gone, then its bytes.</summary>
    internal void Remove(Guid operation)
    {
        string temporary = PoolPlace.Temporary(Path, operation);
        Documents.Remove(temporary);
        Documents.Publish(Path, temporary);
        Documents.Remove(temporary);
    }

    internal bool RemoveUnfinished(Guid operation) => Documents.Remove(PoolPlace.Temporary(Path, operation));

    /// <summary>Keeps everybody from opening it until the result is disposed. The framework's share of a file is a lock that other processes see.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: it is open.</exception>
    internal IDisposable Claim() => Lock(FileShare.None);

    /// <summary>Tells that it is open until the result is disposed.</summary>
    internal IDisposable Use() => Lock(FileShare.Read);

    private FileStream Lock(FileShare share)
    {
        try
        {
            return new(System.IO.Path.Combine(Path, "lock"), FileMode.Open, FileAccess.Read, share);
        }
        catch (IOException e) when (e is not (FileNotFoundException or DirectoryNotFoundException))
        {
            throw new StorageException(StorageErrorKind.Busy, Subject, "is in use: end its exports and what else has it open", e);
        }
    }

    private void WriteRecord(string directory, VolumeRecord record) => Documents.Write(System.IO.Path.Combine(directory, "record.json"), VolumeDocument.Write(record, Subject));
}
