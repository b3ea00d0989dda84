namespace EveStorage.Linux;

/// <summary>
/// The blocks of a block device: a logical volume, a mapping, a drive. Reads and cached writes go through the kernel's cache;
/// whoever else has the device open with O_DIRECT sees discards and zeros at once, and writes after a flush.
/// </summary>
public sealed class DeviceBlocks : IBlockSource
{
    // One call of the kernel's can't be cancelled: this much of it is soon done.
    private const long LongestCall = 256 << 20;

    private static readonly byte[] s_zeroes = new byte[1 << 20];

    private readonly BlockFile _device;
    private readonly SyncedFile _syncs;
    private readonly string _subject;
    private readonly BlockAccess _access;
    private long _size;
    private int _closed;

    private DeviceBlocks(BlockFile device, string subject, BlockAccess access, Action<StorageException>? syncFailed)
    {
        (_device, _subject, _access) = (device, subject, access);
        _syncs = new(device, subject, syncFailed ?? (static _ => { }));
        LookAgain();
    }

    /// <inheritdoc/>
    public ByteSize Size
    {
        get
        {
            LookAgain();
            return new(Volatile.Read(ref _size));
        }
    }

    /// <summary>Opens the block device at <paramref name="path"/>, which may be a link to it, as those of /dev/mapper and /dev/disk are.</summary>
    /// <param name="path">The device. It is never made.</param>
    /// <param name="subject">What a person calls it; failures are told of that.</param>
    /// <param name="access">Whether it is written.</param>
    /// <param name="syncFailed">
    /// Is told of the first failed sync. This opening takes no writes from then on; keeping later openings from writing is
    /// up to the caller, since the kernel tells them nothing.
    /// </param>
    /// <exception cref="StorageException">It is not there, is no block device (<see cref="StorageErrorKind.Conflict"/>), or may not be opened.</exception>
    public static DeviceBlocks Open(string path, string subject, BlockAccess access, Action<StorageException>? syncFailed = null)
    {
        BlockFile device = BlockFile.OpenDevice(path, access == BlockAccess.ReadWrite, subject);
        try
        {
            return new(device, subject, access, syncFailed);
        }
        catch (StorageException)
        {
            device.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public bool TryRead(long offset, Span<byte> destination)
    {
        Check(offset, destination.Length);
        return _device.TryReadCached(offset, destination);
    }

    /// <inheritdoc/>
    public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Check(offset, destination.Length);
        _device.Read(offset, destination.Span);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        CheckWrite(offset, source.Length);
        if (durability == WriteDurability.Stable)
        {
            _syncs.WriteStable(offset, source.Span);
        }
        else
        {
            _device.Write(offset, source.Span);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellationToken)
        => _access == BlockAccess.Read ? ValueTask.CompletedTask : new(_syncs.FlushAsync().WaitAsync(cancellationToken));

    /// <inheritdoc/>
    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken)
    {
        CheckWrite(offset, length);
        for (long end = offset + length; offset < end; offset += LongestCall)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!_device.TryDiscard(offset, Math.Min(end - offset, LongestCall)))
            {
                break;   // it is a hint: what was there stays
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken)
    {
        CheckWrite(offset, length);
        for (long end = offset + length; offset < end; offset += LongestCall)
        {
            cancellationToken.ThrowIfCancellationRequested();
            WriteZeroes(offset, Math.Min(end - offset, LongestCall));
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
        {
            _syncs.Dispose();
            _device.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    // Blocks that are given up and surely read as zeros; else zeros that the kernel or the device writes; else ours, on a
    // device whose own blocks are larger than what is zeroed.
    private void WriteZeroes(long offset, long length)
    {
        foreach (Action<long, long> way in (Action<long, long>[])[_device.PunchHole, _device.ZeroRange])
        {
            try
            {
                way(offset, length);
                return;
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.NotSupported)
            {
                // The next way.
            }
        }

        for (long end = offset + length; offset < end; offset += s_zeroes.Length)
        {
            _device.Write(offset, s_zeroes.AsSpan(0, (int)Math.Min(end - offset, s_zeroes.Length)));
        }
    }

    private void CheckWrite(long offset, long length)
    {
        if (_access == BlockAccess.Read)
        {
            throw new StorageException(StorageErrorKind.NotSupported, _subject, "is open to read only");
        }

        _syncs.ThrowIfFailed();
        Check(offset, length);
    }

    private void LookAgain() => Volatile.Write(ref _size, BlockDevice.SizeOf(_device.Handle, _subject).Bytes);

    private void Check(long offset, long length)
    {
        ObjectDisposedException.ThrowIf(_closed != 0, this);
        if (!Fits(offset, length))
        {
            LookAgain();   // it may have grown
            if (!Fits(offset, length))
            {
                throw new StorageException(StorageErrorKind.NotSupported, _subject, $"has {_size} bytes, and not {length} at {offset}");
            }
        }
    }

    // Neither sum nor difference overflows: both are checked to be positive first.
    private bool Fits(long offset, long length) => offset >= 0 && length >= 0 && offset <= Volatile.Read(ref _size) - length;
}
