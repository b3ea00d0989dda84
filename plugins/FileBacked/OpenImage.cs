using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>One opening of a volume's image, shared by all who have it open in this process.</summary>
internal sealed class OpenImage : IDisposable
{
    /// <summary>Held shared by everyone who has the image open.</summary>
    internal const int UserLock = ImageLocks.User;

    /// <summary>Held shared by everyone who has it open to write.</summary>
    internal const int WriterLock = ImageLocks.Writer;

    private readonly VolumeDirectory _volume;
    private readonly IEventSink _events;
    private readonly SyncedFile _syncs;
    private long _length;
    private int _readers;
    private int _writers;

    /// <summary>Opens it; whoever creates this calls <see cref="Enter"/> next.</summary>
    internal OpenImage(VolumeDirectory volume, VolumeLayout layout, PoolSpace space, IEventSink events, bool direct, Action<BlockFile> sync)
    {
        (_volume, _events) = (volume, events);
        Layout = layout;
        Space = space;
        (File, Direct) = Open(volume, direct);
        _syncs = new(File, Subject, NoteFailure, sync);
        LookAgain();
    }

    internal BlockFile File { get; }

    /// <summary>The same past the page cache; null when it is to be used.</summary>
    internal DirectFile? Direct { get; }

    internal VolumeLayout Layout { get; }

    internal PoolSpace Space { get; }

    internal string Subject => _volume.Subject;

    /// <summary>What every write goes through.</summary>
    internal WriteGate Writing { get; } = new();

    internal bool HasWriters => _writers > 0;

    internal bool IsUnused => _readers + _writers == 0;

    /// <summary>The image's length, as last looked at.</summary>
    internal long Length => Volatile.Read(ref _length);

    internal static StorageException InUse(VolumeDirectory volume)
        => new(StorageErrorKind.Busy, volume.Subject, "is in use: end its exports and what else has it open");

    internal static string FailureAdvice(string marker)
        => $"a sync failed, and what was written since the one before may be lost: check the disk and the data, then remove {marker}";

    internal void LookAgain() => Volatile.Write(ref _length, File.Look().Length);

    /// <summary>Counts one more user in. The opening's lock is theirs all.</summary>
    internal void Enter(BlockAccess access)
    {
        if (access == BlockAccess.ReadWrite)
        {
            ThrowIfFailed();
            _volume.RequireSynced();
        }

        try
        {
            TakeLocks(access);
        }
        catch (StorageException)
        {
            GiveBackLocks();
            throw;
        }

        _ = access == BlockAccess.ReadWrite ? _writers++ : _readers++;
    }

    internal void Leave(BlockAccess access)
    {
        _ = access == BlockAccess.ReadWrite ? _writers-- : _readers--;
        GiveBackLocks();
    }

    /// <summary>Makes all that was written before survive a crash.</summary>
    internal Task FlushAsync() => _syncs.FlushAsync();

    /// <summary>Writes what is on the disk when this returns.</summary>
    internal void WriteStable(long offset, ReadOnlySpan<byte> source) => _syncs.WriteStable(offset, source);

    /// <summary>Gives up room that is kept for the volume, for a write that found none; false when there is nothing left to give.</summary>
    internal bool TryGiveRoom(long length) => Layout.KeepsRoom && VolumeRoom.TryGive(Path.GetDirectoryName(File.Path)!, length);

    /// <summary>Whether a sync failed, noted in the pool or not.</summary>
    internal bool HasFailed => _syncs.HasFailed;

    /// <exception cref="StorageException">A sync failed.</exception>
    internal void ThrowIfFailed() => _syncs.ThrowIfFailed();

    public void Dispose()
    {
        _syncs.Dispose();
        Direct?.Dispose();
        File.Dispose();
        Writing.Dispose();
    }

    private static (BlockFile File, DirectFile? Direct) Open(VolumeDirectory volume, bool direct)
    {
        BlockFile file = OpenFile(volume, out bool writable);
        try
        {
            return (file, direct ? DirectFile.Open(file, writable) : null);
        }
        catch (StorageException)
        {
            file.Dispose();
            throw;
        }
    }

    private static BlockFile OpenFile(VolumeDirectory volume, out bool writable)
    {
        try
        {
            writable = true;
            return BlockFile.Open(volume.Image, writable, volume.Subject);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Unavailable)
        {
            writable = false;
            return BlockFile.Open(volume.Image, writable, volume.Subject);   // a file system that went read-only can still be read
        }
    }

    private void TakeLocks(BlockAccess access)
    {
        if (!File.TryLock(UserLock, exclusive: false) || (access == BlockAccess.ReadWrite && !File.TryLock(WriterLock, exclusive: false)))
        {
            throw new StorageException(StorageErrorKind.Busy, Subject, "is being changed: try again when that is done");
        }

        // A rollback may have put another image in its place after we opened this one, or a rename another volume.
        if (!Path.Exists(_volume.Image) || File.Look().Inode != BlockFile.Look(_volume.Image).Inode)
        {
            throw new StorageException(StorageErrorKind.Busy, Subject, "was just changed: try again");
        }
    }

    private void GiveBackLocks()
    {
        if (_writers == 0)
        {
            File.Unlock(WriterLock);
        }

        if (IsUnused)
        {
            File.Unlock(UserLock);
        }
    }

    // It counts for those who open the volume later, too.
    private void NoteFailure(StorageException failure)
    {
        _events.Report(new("volume.sync-failed", EventSeverity.Critical, Subject, $"{FailureAdvice(_volume.FailurePath)} ({failure.Message})"));
        try
        {
            string marker = PoolDirectory.In(Path.GetDirectoryName(File.Path)!, Path.GetFileName(_volume.FailurePath));
            DurableFile.Replace(marker, System.Text.Encoding.UTF8.GetBytes($"{failure.Message}\n"));
        }
        catch (StorageException e)
        {
            // The same disk, most likely. This process remembers.
            _events.Report(new("volume.sync-failed", EventSeverity.Critical, Subject, $"could not be noted in the pool: {e.Message}"));
        }
    }
}
