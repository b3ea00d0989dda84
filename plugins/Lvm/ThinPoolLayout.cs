namespace EveStorage.Lvm;

/// <summary>How a volume group's room is divided: thin data, its metadata, and what is left so that the metadata can grow.</summary>
/// <param name="Chunk">The thin pool's unit.</param>
/// <param name="Metadata">Its metadata.</param>
/// <param name="PercentOfFree">How much of what is then free its data takes.</param>
internal sealed record ThinPoolLayout(ByteSize Chunk, ByteSize Metadata, int PercentOfFree)
{
    // Documentation/admin-guide/device-mapper/thin-provisioning.rst: 48 bytes a chunk and a minimum of 2 MiB; thin_metadata_size counts 64.
    private const int BytesPerChunk = 64;

    // Up to this much metadata a finer chunk is worth it: snapshots then copy less.
    private const long FineMetadata = 64L << 20;

    private const long LeastChunk = 64L << 10;
    private const long MostChunk = 1L << 30;

    /// <summary>The least metadata.</summary>
    internal static ByteSize LeastMetadata { get; } = ByteSize.MiB(4);

    /// <summary>The most metadata that the kernel uses: DM_SM_METADATA_MAX_BLOCKS, 255 bitmaps of 16320 blocks of 4 KiB, rounded down.</summary>
    internal static ByteSize MostMetadata { get; } = ByteSize.MiB(16_128);

    /// <summary>Divides <paramref name="free"/>.</summary>
    /// <param name="free">What can hold data, after redundancy.</param>
    /// <param name="options">What is asked for.</param>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.OutOfSpace"/>: there is not even room for metadata.</exception>
    internal static ThinPoolLayout For(ByteSize free, LvmOptions options)
    {
        long chunk = options.ChunkSize?.Bytes ?? LeastChunk;
        while (options.ChunkSize is null && chunk < MostChunk && free.Bytes / chunk * BytesPerChunk > FineMetadata)
        {
            chunk *= 2;
        }

        // Twice: chunks that snapshots share are mapped more than once.
        long worst = Math.Clamp(2 * BytesPerChunk * (free.Bytes / chunk), LeastMetadata.Bytes, MostMetadata.Bytes);
        ByteSize metadata = (options.MetadataSize ?? new(worst)).RoundUpTo(options.ExtentSize);

        // Once for the metadata, once for LVM's spare to repair it with, once for it to grow.
        long reserve = 3 * metadata.Bytes;
        int percent = (int)(100 * Math.Max(0, free.Bytes - reserve - (16 * options.ExtentSize.Bytes)) / Math.Max(1, free.Bytes - metadata.Bytes));
        return percent >= 10
            ? new(new(chunk), metadata, percent)
            : throw new StorageException(StorageErrorKind.OutOfSpace, "thin pool", $"{free} are too small for metadata of {metadata} and room for it to grow: use larger drives, or Provisioning Thick");
    }
}
