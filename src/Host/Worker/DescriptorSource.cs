using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Worker;

/// <summary>An image that came as an open file. A reader asks it for bytes and never learns of a path.</summary>
internal sealed class DescriptorSource(SafeFileHandle handle, string name) : ISparseImageSource
{
    private long _read;

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public long? Length { get; } = LengthOf(handle, name);

    /// <inheritdoc/>
    public bool CanSeek => true;

    /// <summary>How many bytes of it were read.</summary>
    internal long BytesRead => Interlocked.Read(ref _read);

    /// <summary>Gives bytes of it to <paramref name="target"/> without reading them, as far as it can; gives back how many.</summary>
    internal long ShareWith(SparseTarget target, in ImageExtent extent)
    {
        long shared = target.Share(handle, extent.SourceOffset, extent.GuestOffset, extent.SourceLength);
        Interlocked.Add(ref _read, shared);
        return shared;
    }

    /// <summary>Is told where each read begins; null when nobody asks.</summary>
    internal Action<long>? ReadFrom { get; set; }

    /// <inheritdoc/>
    public ValueTask<int> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ReadFrom?.Invoke(offset);
        return new(Read(offset, destination.Span));
    }

    /// <inheritdoc cref="ReadAsync"/>
    internal int Read(long offset, Span<byte> destination)
    {
        int read = 0;
        while (read < destination.Length)
        {
            int taken = ReadOnce(offset + read, destination[read..]);
            if (taken == 0)
            {
                break;
            }

            read += taken;
        }

        Interlocked.Add(ref _read, read);
        return read;
    }

    private int ReadOnce(long offset, Span<byte> destination)
    {
        try
        {
            return RandomAccess.Read(handle, destination, offset);
        }
        catch (IOException e)
        {
            throw FileCalls.Failure(name, e);
        }
    }

    /// <inheritdoc/>
    public ValueTask<SourceRun?> FindDataAsync(long offset, CancellationToken cancellationToken)
        => new(SparseFile.FindData(handle, offset) is (long start, long end) ? new SourceRun(start, end - start) : null);

    private static long LengthOf(SafeFileHandle handle, string name)
        => ExistingFile.LengthOf(handle, name) is { Bytes: > 0 } length
            ? length.Bytes
            : throw new StorageException(StorageErrorKind.Corrupt, name, "is empty: an image holds at least one byte");

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        handle.Dispose();
        return ValueTask.CompletedTask;
    }
}
