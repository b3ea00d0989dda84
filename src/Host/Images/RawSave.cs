using System.Buffers;
using System.Runtime.CompilerServices;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Images;

/// <summary>Writes a volume's bytes as they are: to a file, which has holes where they are zero, or to a stream, which has all of them.</summary>
internal sealed class RawSave(IBlockSource blocks, string imageName, IProgress<ByteSize> progress)
{
    // The block of every file system that we know: a smaller hole saves no space.
    private const int BlockSize = 4096;
    private const int PieceLength = 1 << 20;

    private readonly long _size = blocks.Size.Bytes;
    private readonly Lock _lock = new();
    private long _reached;
    private long _written;

    /// <summary>How many bytes were written: holes are none.</summary>
    internal long Written => Interlocked.Read(ref _written);

    /// <summary>Writes to an empty file, some pieces at once.</summary>
    internal async Task ToFileAsync(SafeFileHandle image, CancellationToken cancellationToken)
    {
        FileCalls.Run(imageName, () => RandomAccess.SetLength(image, _size));
        ParallelOptions atOnce = new() { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(PiecesAsync(cancellationToken), atOnce, async (piece, cancelled) =>
        {
            byte[] buffer = ArrayPool<byte>.Shared.Rent(PieceLength);
            await blocks.ReadAsync(piece.Offset, buffer.AsMemory(0, (int)piece.Length), cancelled);
            WriteData(image, piece.Offset, buffer.AsSpan(0, (int)piece.Length));
            ArrayPool<byte>.Shared.Return(buffer);
            Told(piece.Offset + piece.Length);
        });
        Told(_size);
    }

    /// <summary>Writes to a stream.</summary>
    internal async Task ToStreamAsync(Stream image, CancellationToken cancellationToken)
    {
        byte[] zeros = new byte[PieceLength];
        byte[] buffer = new byte[PieceLength];
        long at = 0;
        await foreach (SourceRun piece in PiecesAsync(cancellationToken))
        {
            await WriteZerosAsync(piece.Offset);
            Memory<byte> bytes = buffer.AsMemory(0, (int)piece.Length);
            await blocks.ReadAsync(piece.Offset, bytes, cancellationToken);
            await image.WriteAsync(bytes, cancellationToken);
            at += bytes.Length;
            Told(at);
        }

        await WriteZerosAsync(_size);
        _written = at;

        async Task WriteZerosAsync(long end)
        {
            for (; at < end; at += Math.Min(PieceLength, end - at))
            {
                await image.WriteAsync(zeros.AsMemory(0, (int)Math.Min(PieceLength, end - at)), cancellationToken);
                Told(at);
            }
        }
    }

    // All that may hold something, in order.
    private async IAsyncEnumerable<SourceRun> PiecesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (long at = 0; at < _size;)
        {
            SourceRun? run = blocks is ISparseBlockSource sparse ? await sparse.FindDataAsync(at, cancellationToken) : new SourceRun(at, _size - at);
            if (run is not SourceRun data)
            {
                yield break;
            }

            // From a sector to a sector, whatever the file system thinks of holes.
            long end = Math.Min(_size, (data.Offset + data.Length + BlockSize - 1) & -BlockSize);
            for (at = Math.Max(at, data.Offset & -BlockSize); at < end; at += Math.Min(PieceLength, end - at))
            {
                yield return new(at, Math.Min(PieceLength, end - at));
            }
        }
    }

    private void WriteData(SafeFileHandle image, long offset, ReadOnlySpan<byte> piece)
    {
        for (int at = 0; at < piece.Length;)
        {
            int start = at;
            while (at < piece.Length && piece[at..Math.Min(at + BlockSize, piece.Length)].ContainsAnyExcept((byte)0))
            {
                at = Math.Min(at + BlockSize, piece.Length);
            }

            if (at == start)
            {
                at = Math.Min(at + BlockSize, piece.Length);
                continue;
            }

            Write(image, offset + start, piece[start..at]);
        }
    }

    private void Write(SafeFileHandle image, long offset, ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(image, bytes, offset);
            Interlocked.Add(ref _written, bytes.Length);
        }
        catch (IOException e)
        {
            throw FileCalls.Failure(imageName, e);
        }
    }

    private void Told(long reached)
    {
        lock (_lock)
        {
            _reached = Math.Max(_reached, reached);
            progress.Report(new(_reached));
        }
    }
}
