using EveStorage;
using Microsoft.Win32.SafeHandles;

namespace Samples.Btrfs;

/// <summary>
/// The volumes that are open in this process, one opening each however many use it. A lock on the opening tells other processes:
/// shared by those who use the image, exclusive for who moves it or takes it away.
/// </summary>
internal sealed class OpenVolumes : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, OpenVolume> _open = [];

    /// <summary>Opens a volume's blocks.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: it is just being changed.</exception>
    internal BtrfsBlocks Enter(VolumePlace volume, Guid id, BlockAccess access)
    {
        lock (_gate)
        {
            if (!_open.TryGetValue(id, out OpenVolume? open))
            {
                open = new(volume.Subject, Take(volume, Native.LockShared));
                _open.Add(id, open);
            }

            open.Users++;
            return new(open, access, () => Leave(id, open));
        }
    }

    /// <summary>Keeps everybody from opening a volume until the result is disposed.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: it is open, here or elsewhere.</exception>
    internal IDisposable Claim(VolumePlace volume, Guid id)
    {
        lock (_gate)
        {
            return _open.ContainsKey(id) ? throw InUse(volume) : Take(volume, Native.LockExclusive);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (OpenVolume open in _open.Values)
            {
                open.Image.Dispose();
            }

            _open.Clear();
        }
    }

    private void Leave(Guid id, OpenVolume open)
    {
        lock (_gate)
        {
            if (--open.Users == 0)
            {
                _open.Remove(id);
                open.Image.Dispose();
            }
        }
    }

    private static SafeFileHandle Take(VolumePlace volume, int how)
    {
        SafeFileHandle image = Failure.Guard(volume.Subject, () => File.OpenHandle(volume.Image, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete));
        if (Native.FLock(image, how | Native.LockNonBlocking) == 0)
        {
            return image;
        }

        image.Dispose();
        throw InUse(volume);
    }

    private static StorageException InUse(VolumePlace volume)
        => new(StorageErrorKind.Busy, volume.Subject, "is in use: end its exports and what else has it open");
}

/// <summary>One opening of an image.</summary>
internal sealed class OpenVolume(string subject, SafeFileHandle image)
{
    internal string Subject => subject;

    internal SafeFileHandle Image => image;

    internal int Users { get; set; }

    /// <summary>Why a flush failed. The kernel dropped what it could not write, so that a later one would lie.</summary>
    internal StorageException? Failed { get; set; }
}
