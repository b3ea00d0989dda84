using System.Buffers.Binary;
using System.Globalization;

namespace EveStorage.ZfsStreamImport;

/// <summary>Writes a volume as a full stream, record for record as <c>zfs send</c> does without flags: zeros are freed, blocks are as they are.</summary>
internal static class StreamWriter
{
    // ZFS's own default since 2.2, where the volume is a multiple of it; a volume has whole blocks.
    private const int LongestBlock = 16 << 10;
    private const int ShortestBlock = 512;
    private const int Step = 1 << 20;
    private const int PropertyLength = 512;

    // What a dnode block of 16 KiB has of objects: behind the two of a volume there is nothing.
    private const ulong ObjectsOfABlock = 32;

    /// <summary>Writes it.</summary>
    internal static async ValueTask WriteAsync(SavedVolume volume, Stream image, IProgress<ByteSize> progress, CancellationToken cancellationToken)
    {
        long size = volume.Blocks.Size.Bytes;
        int blockSize = (int)Math.Min(LongestBlock, size & -size);
        if (size == 0 || blockSize < ShortestBlock)
        {
            throw new StorageException(StorageErrorKind.NotSupported, $"{volume.Name}", $"has {size} bytes, which are no whole sectors: ZFS has no such volume");
        }

        RecordWriter records = new(image, GuidOf(volume.Id));
        await records.BeginAsync(NameOf(volume), volume.Taken, cancellationToken);
        await records.ObjectAsync(Substream.DataObject, Substream.DataKind, (uint)blockSize, cancellationToken);
        await records.FreeAsync(Substream.DataObject, size, ulong.MaxValue, cancellationToken);
        await WriteDataAsync(volume.Blocks, records, size, blockSize, progress, cancellationToken);
        await WritePropertiesAsync(records, size, cancellationToken);
        await records.FreeObjectsAsync(Substream.PropertyObject + 1, ObjectsOfABlock - Substream.PropertyObject - 1, cancellationToken);
        await records.EndAsync(cancellationToken);
    }

    private static async ValueTask WriteDataAsync(
        IBlockSource blocks, RecordWriter records, long size, int blockSize, IProgress<ByteSize> progress, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[Step];
        long zeroFrom = 0;
        for (long at = 0; at < size; at += Step)
        {
            Memory<byte> piece = buffer.AsMemory(0, (int)Math.Min(Step, size - at));
            await blocks.ReadAsync(at, piece, cancellationToken);
            for (int within = 0; within < piece.Length; within += blockSize)
            {
                ReadOnlyMemory<byte> block = piece.Slice(within, blockSize);
                if (!block.Span.ContainsAnyExcept((byte)0))
                {
                    continue;
                }

                await FreeAsync(records, zeroFrom, at + within, cancellationToken);
                await records.BlockAsync(Substream.DataObject, Substream.DataKind, at + within, block, cancellationToken);
                zeroFrom = at + within + blockSize;
            }

            progress.Report(new(at + piece.Length));
        }

        await FreeAsync(records, zeroFrom, size, cancellationToken);
    }

    private static ValueTask FreeAsync(RecordWriter records, long from, long end, CancellationToken cancellationToken)
        => from < end ? records.FreeAsync(Substream.DataObject, from, (ulong)(end - from), cancellationToken) : default;

    private static async ValueTask WritePropertiesAsync(RecordWriter records, long size, CancellationToken cancellationToken)
    {
        byte[] block = new byte[PropertyLength];
        MicroZap.Write(block, "size", (ulong)size);
        await records.ObjectAsync(Substream.PropertyObject, Substream.PropertyKind, PropertyLength, cancellationToken);
        await records.FreeAsync(Substream.PropertyObject, PropertyLength, ulong.MaxValue, cancellationToken);
        await records.BlockAsync(Substream.PropertyObject, Substream.PropertyKind, 0, block, cancellationToken);
    }

    // A guid of ZFS is a random number that is not 0.
    private static ulong GuidOf(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes);
        return Math.Max(1, BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]) ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes));
    }

    // What is behind the @ becomes the snapshot's name; `zfs receive -d` takes what is behind the first slash, too.
    private static string NameOf(SavedVolume volume)
        => $"evestorage/{volume.Name}@{volume.Taken.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}";
}
