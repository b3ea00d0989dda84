using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>A record is a file beside its volume's image.</summary>
internal sealed class FileRecords(FilePool pool) : IPoolRecords
{
    private const string FileName = "record.json";

    public ValueTask<VolumeRecord?> FindAsync(VolumeName name, CancellationToken cancellationToken) => new(pool.VolumeOf(name).Find());

    public async ValueTask ReplaceAsync(VolumeName name, VolumeRecord record, CancellationToken cancellationToken)
    {
        VolumeDirectory volume = pool.VolumeOf(name);
        using FileLock held = await pool.LockAsync($"record of {volume.Subject}", cancellationToken);
        VolumeRecord before = volume.Find() ?? throw new StorageException(StorageErrorKind.NotFound, volume.Subject, "is no volume of ours");
        if (before.Id != record.Id || !record.Mark.IsOurs)
        {
            throw new StorageException(StorageErrorKind.Conflict, volume.Subject, $"has the id {before.Id} for life, and stays ours");
        }

        Write(volume.Path, record, volume.Subject);
    }

    /// <summary>Reads the record in <paramref name="directory"/>; null when it has none.</summary>
    internal static VolumeRecord? Read(string directory, string subject)
        => Documents.ReadBytes(PoolDirectory.In(directory, FileName)) is byte[] document ? VolumeDocument.Read(document, $"{subject}: {FileName}") : null;

    /// <summary>Writes the record in <paramref name="directory"/>, whole or not at all.</summary>
    internal static void Write(string directory, VolumeRecord record, string subject)
    {
        string path = PoolDirectory.In(directory, FileName);
        byte[] document = VolumeDocument.Write(record, subject);
        DurableFile.Replace(path, document);
    }
}
