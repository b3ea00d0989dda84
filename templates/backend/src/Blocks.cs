using EveStorage;
using Microsoft.Win32.SafeHandles;

namespace MyBackend;

/// <summary>A volume's blocks. All is done on the caller's thread, which waits for the device where it must.</summary>
internal sealed class Blocks : IBlockSource
{
    private static readonly byte[] s_zeroes = new byte[1 << 20];

    private readonly VolumePlace _volume;
    private readonly BlockAccess _access;
    private readonly IDisposable _use;
    private readonly SafeFileHandle _image;
    private StorageException? _failed;

    internal Blocks(VolumePlace volume, BlockAccess access)
    {
        (_volume, _access) = (volume, access);
        _use = volume.Use();
        _image = Failure.Guard(volume.Subject, () => File.OpenHandle(volume.Image, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete));
    }

    public ByteSize Size => new(RandomAccess.GetLength(_image));

    public bool TryRead(long offset, Span<byte> destination) => false;   // it can't be known here what would wait

    public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Check(offset, destination.Length);
        Failure.Guard(_volume.Subject, () =>
        {
            for (int read = 0; read < destination.Length;)
            {
                int more = RandomAccess.Read(_image, destination.Span[read..], offset + read);
                read += more > 0 ? more : throw new StorageException(StorageErrorKind.Io, _volume.Subject, $"ends at {offset + read}");
            }
        });
        return ValueTask.CompletedTask;
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        CheckWrite(offset, source.Length);
        Failure.Guard(_volume.Subject, () => RandomAccess.Write(_image, source.Span, offset));
        return durability == WriteDurability.Stable ? FlushAsync(cancellationToken) : ValueTask.CompletedTask;
    }

    // What the kernel dropped is not written by trying again: once it failed it fails for ever.
    public ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        if (_access == BlockAccess.Read)
        {
            return ValueTask.CompletedTask;
        }

        ThrowIfFailed();
        try
        {
            Failure.Guard(_volume.Subject, () => RandomAccess.FlushToDisk(_image));
        }
        catch (StorageException e)
        {
            _failed = e;
            throw;
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken)
    {
        CheckWrite(offset, length);   // it is a hint: what was there stays
        return ValueTask.CompletedTask;
    }

    public ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken)
    {
        CheckWrite(offset, length);
        for (long end = offset + length; offset < end;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int piece = (int)Math.Min(end - offset, s_zeroes.Length);
            long at = offset;
            Failure.Guard(_volume.Subject, () => RandomAccess.Write(_image, s_zeroes.AsSpan(0, piece), at));
            offset += piece;
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _image.Dispose();
        _use.Dispose();
        return ValueTask.CompletedTask;
    }

    private void CheckWrite(long offset, long length)
    {
        if (_access == BlockAccess.Read)
        {
            throw new StorageException(StorageErrorKind.NotSupported, _volume.Subject, "is open to read only");
        }

        ThrowIfFailed();
        Check(offset, length);
    }

    private void ThrowIfFailed()
    {
        if (_failed is StorageException failed)
        {
            throw new StorageException(failed.Kind, _volume.Subject, $"a flush failed before, and what was written since the one before may be lost ({failed.Message})", failed);
        }
    }

    private void Check(long offset, long length)
    {
        long size = Size.Bytes;
        if (offset < 0 || length < 0 || offset > size - length)
        {
            throw new StorageException(StorageErrorKind.NotSupported, _volume.Subject, $"has {size} bytes, and not {length} at {offset}");
        }
    }
}
