using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Worker;

/// <summary>A volume to be written where an image has something else than it. Safe for many calls at once.</summary>
internal sealed class SparseTarget(SafeFileHandle handle, ByteSize size, ByteSize budget, bool readsZero)
{
    /// <summary>What it is in messages, until somebody who knows its name has them.</summary>
    internal const string Subject = "/volume";   // no image is called so: its name has no slash

    // The block of every file system and pool that we know: a smaller run of zeros saves no space.
    private const int BlockSize = 4096;

    private long _written;

    /// <summary>How much has been written.</summary>
    internal ByteSize Written => new(Interlocked.Read(ref _written));

    /// <summary>Whether the volume reads as zeros where nothing was written.</summary>
    internal bool ReadsZero => readsZero;

    /// <summary>Writes <paramref name="data"/>; where the volume reads as zeros, only its blocks that are not all zero.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.OutOfSpace"/>: the budget is spent, or the pool is full.</exception>
    internal void Write(long offset, ReadOnlySpan<byte> data)
    {
        if (offset < 0 || offset > size.Bytes - data.Length)
        {
            throw new StorageException(StorageErrorKind.Corrupt, Subject, $"has {size}, and its image has {data.Length} bytes at {offset}");
        }

        int at = 0;
        if (!readsZero)
        {
            Spend(data.Length);
            WriteAll(offset, data);
            at = data.Length;
        }

        while (at < data.Length)
        {
            int start = at + Blocks(data[at..], zero: true);
            int length = start < data.Length ? Blocks(data[start..], zero: false) : 0;
            if (length > 0)
            {
                Spend(length);
                WriteAll(offset + start, data.Slice(start, length));
            }

            at = start + length;
        }
    }

    /// <summary>Gives it bytes of <paramref name="source"/> without reading them: whole blocks are shared. Gives back how many it could.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.OutOfSpace"/>: the budget is spent, or the pool is full.</exception>
    internal long Share(SafeFileHandle source, long sourceOffset, long offset, long length)
    {
        if (sourceOffset % BlockSize != 0 || offset % BlockSize != 0 || length % BlockSize != 0 || offset > size.Bytes - length)
        {
            return 0;
        }

        long shared = SparseFile.Share(source, sourceOffset, handle, offset, length);
        Spend(shared);
        return shared;
    }

    /// <summary>Makes these bytes zeros, on a volume that has something else there.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.OutOfSpace"/>: the budget is spent, or the pool is full.</exception>
    internal void WriteZeroes(long offset, long length)
    {
        Spend(length);
        SparseFile.WriteZeroes(handle, offset, length);
    }

    /// <summary>Reads back.</summary>
    internal void Read(long offset, Span<byte> target)
    {
        while (!target.IsEmpty)
        {
            int read = RandomAccess.Read(handle, target, offset);
            if (read == 0)
            {
                throw new StorageException(StorageErrorKind.Io, Subject, $"ends at {offset}");
            }

            target = target[read..];
            offset += read;
        }
    }

    /// <summary>Makes all that was written survive a crash.</summary>
    internal void Flush() => BlockFile.Flush(handle, Subject);

    // How many bytes from the start lie in blocks that are all zero, or in blocks that are not.
    private static int Blocks(ReadOnlySpan<byte> data, bool zero)
    {
        int length = 0;
        while (length < data.Length)
        {
            int block = Math.Min(BlockSize, data.Length - length);
            if (data.Slice(length, block).ContainsAnyExcept((byte)0) == zero)
            {
                break;
            }

            length += block;
        }

        return length;
    }

    private void Spend(long length)
    {
        if (Interlocked.Add(ref _written, length) > budget.Bytes)
        {
            throw new StorageException(StorageErrorKind.OutOfSpace, Subject, $"has room for {budget} and the image needs more: free space in the pool");
        }
    }

    private void WriteAll(long offset, ReadOnlySpan<byte> data)
    {
        try
        {
            RandomAccess.Write(handle, data, offset);
        }
        catch (IOException e)
        {
            throw FileCalls.Failure(Subject, e);
        }
    }
}
