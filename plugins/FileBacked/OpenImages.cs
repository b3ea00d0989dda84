using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>
/// The images that are open in this process, one opening each however many use it. Locks on the opening tell other
/// processes (and other pools of this one) who reads and who writes.
/// </summary>
internal sealed class OpenImages(PoolSpace space, IEventSink events, bool direct) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, OpenImage> _open = [];

    /// <summary>How an image is synced; a test has one that fails.</summary>
    internal Action<BlockFile> Sync { get; set; } = static file => file.Flush();

    /// <summary>Opens a volume's blocks.</summary>
    /// <exception cref="StorageException">It is being changed, or a sync of it failed before.</exception>
    internal FileBlockSource Open(VolumeDirectory volume, Guid id, VolumeLayout layout, BlockAccess access)
    {
        lock (_gate)
        {
            if (!_open.TryGetValue(id, out OpenImage? image))
            {
                image = new(volume, layout, space, events, direct, Sync);
            }

            try
            {
                image.Enter(access);
                _open[id] = image;
            }
            catch (StorageException)
            {
                if (image.IsUnused)
                {
                    image.Dispose();
                }

                throw;
            }

            return new(image, access, () => Leave(id, image, access));
        }
    }

    /// <summary>The open image of a volume, or null.</summary>
    internal OpenImage? Find(Guid id)
    {
        lock (_gate)
        {
            return _open.GetValueOrDefault(id);
        }
    }

    /// <summary>
    /// Keeps those who write to a volume here waiting until the result is disposed; null when nobody has it open here. It
    /// counts as a user, so that the image stays open although the others leave.
    /// </summary>
    internal PausedImage? Pause(Guid id)
    {
        OpenImage? image;
        lock (_gate)
        {
            image = _open.GetValueOrDefault(id);
            image?.Enter(BlockAccess.Read);
        }

        return image is null ? null : new(image, () => Leave(id, image, BlockAccess.Read));
    }

    /// <summary>Keeps everybody from opening a volume until the result is disposed.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: it is open.</exception>
    internal ImageClaim Claim(VolumeDirectory volume, Guid id)
    {
        lock (_gate)
        {
            return _open.ContainsKey(id) ? throw OpenImage.InUse(volume) : Lock(volume, OpenImage.UserLock);
        }
    }

    /// <summary>Keeps everybody from opening a volume to write until the result is disposed.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: it is open to write.</exception>
    internal ImageClaim ClaimWrites(VolumeDirectory volume, Guid id)
    {
        lock (_gate)
        {
            return _open.GetValueOrDefault(id) is { HasWriters: true } ? throw OpenImage.InUse(volume) : Lock(volume, OpenImage.WriterLock);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (OpenImage image in _open.Values)
            {
                image.Dispose();
            }

            _open.Clear();
        }
    }

    private static ImageClaim Lock(VolumeDirectory volume, int number)
    {
        BlockFile file = BlockFile.Open(volume.Image, writable: true, volume.Subject);
        if (file.TryLock(number, exclusive: true))
        {
            return new(file, number);
        }

        file.Dispose();
        throw OpenImage.InUse(volume);
    }

    private void Leave(Guid id, OpenImage image, BlockAccess access)
    {
        lock (_gate)
        {
            image.Leave(access);
            if (image.IsUnused)
            {
                _open.Remove(id);
                image.Dispose();
            }
        }
    }
}

/// <summary>An open image that nobody in this process writes to, until this is disposed.</summary>
internal sealed class PausedImage : IDisposable
{
    private readonly OpenImage _image;
    private readonly Action _leave;

    internal PausedImage(OpenImage image, Action leave)
    {
        (_image, _leave) = (image, leave);
        image.Writing.Pause();
    }

    internal string Subject => _image.Subject;

    public void Dispose()
    {
        _image.Writing.Resume();
        _leave();
    }
}

/// <summary>An image that nobody else opens, or opens to write, until this is disposed.</summary>
internal sealed class ImageClaim(BlockFile image, int number) : IDisposable
{
    public void Dispose()
    {
        // A program that is being started by another thread has the descriptor until it is executed: closing ours alone would leave it the lock.
        image.Unlock(number);
        image.Dispose();
    }
}
