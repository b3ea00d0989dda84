namespace EveStorage.Qcow2Import;

/// <summary>What an import needs of a qcow2 header. One that exists has been validated.</summary>
internal sealed record Qcow2Header(
    uint Version, int ClusterBits, ByteSize VirtualSize, long L1TableOffset, int L1Entries,
    long RefcountTableOffset, long RefcountTableLength, Qcow2Compression Compression, bool ExtendedL2)
{
    internal const uint Magic = 0x514649fb; // "QFI" and 0xfb

    // QEMU rounds the size down to sectors, and so do we: an image has the same disk in both.
    private const ulong SectorSize = 512;

    // Subclusters are a 32nd of a cluster, and at least a sector.
    private const uint MinExtendedClusterBits = 14;

    // A disk that offsets of 63 bits can't address is a damaged number, not a disk.
    private const ulong MaxVirtualSize = 1UL << 62;

    // QEMU's own limits: clusters of 512 bytes to 2 MiB, a refcount table of at most 8 MiB and an L1 table of at most 32 MiB.
    private const uint MinClusterBits = 9;
    private const uint MaxClusterBits = 21;
    private const long MaxRefcountTableLength = 8 << 20;
    private const uint MaxL1Entries = (32 << 20) / sizeof(ulong);

    internal int ClusterSize => 1 << ClusterBits;

    /// <summary>Bytes of an L2 entry.</summary>
    internal int L2EntryLength => ExtendedL2 ? 16 : 8;

    /// <summary>Entries of an L2 table, which is one cluster.</summary>
    internal int L2Entries => ClusterSize / L2EntryLength;

    /// <summary>Bytes of the disk that an L2 table maps.</summary>
    internal long L2Coverage => (long)L2Entries << ClusterBits;

    /// <summary>Reads a header from the first <see cref="Qcow2HeaderView.MaxLength"/> bytes of an image.</summary>
    /// <exception cref="StorageException">Corrupt, or of a feature this importer does not read.</exception>
    internal static Qcow2Header Parse(ReadOnlySpan<byte> head, string subject)
    {
        if (head.Length < Qcow2HeaderView.V2Length)
        {
            throw Corrupt(subject, "is shorter than a qcow2 header");
        }

        Qcow2HeaderView view = new(head);
        if (view.Magic != Magic)
        {
            throw Corrupt(subject, "is not a qcow2 image");
        }

        Qcow2Compression compression = RefuseWhatIsNotRead(view, head.Length, subject);
        bool extended = view.Version == 3 && view.IncompatibleFeatures.HasFlag(Qcow2Features.ExtendedL2);
        CheckGeometry(view, extended, subject);
        return new(
            view.Version, (int)view.ClusterBits, new((long)(view.Size & ~(SectorSize - 1))), (long)view.L1TableOffset, (int)view.L1Size,
            (long)view.RefcountTableOffset, (long)view.RefcountTableClusters << (int)view.ClusterBits, compression, extended);
    }

    private static Qcow2Compression RefuseWhatIsNotRead(Qcow2HeaderView view, int length, string subject)
    {
        if (view.Version is not (2 or 3))
        {
            throw NotSupported(subject, $"is qcow2 version {view.Version}");
        }

        if (view.BackingFileOffset != 0)
        {
            throw NotSupported(subject, "needs a backing file: flatten it with `qemu-img convert` where that file is");
        }

        if (view.CryptMethod != 0)
        {
            throw NotSupported(subject, "is encrypted: decrypt it with `qemu-img convert` where its key is");
        }

        if (view.Version == 2)
        {
            return Qcow2Compression.Deflate;
        }

        if (length < Qcow2HeaderView.MaxLength)
        {
            throw Corrupt(subject, "ends within its header");
        }

        Qcow2Features unreadable = view.IncompatibleFeatures & ~Qcow2Features.Readable;
        if (unreadable != 0)
        {
            throw unreadable.HasFlag(Qcow2Features.Corrupt) ? Corrupt(subject, "is marked corrupt: repair it with `qemu-img check -r all`")
                : unreadable.HasFlag(Qcow2Features.ExternalDataFile) ? NotSupported(subject, "keeps its data in another file: make one of both with `qemu-img convert`")
                : NotSupported(subject, $"needs the unknown incompatible features 0x{(ulong)unreadable:x}");
        }

        if (view.HeaderLength < Qcow2HeaderView.V3Length || view.HeaderLength % 8 != 0)
        {
            throw Corrupt(subject, $"has a header of {view.HeaderLength} bytes");
        }

        Qcow2Compression compression = view.HeaderLength > Qcow2HeaderView.V3Length ? view.CompressionType : Qcow2Compression.Deflate;
        if (!Enum.IsDefined(compression))
        {
            throw NotSupported(subject, $"is compressed with method {(byte)compression}");
        }

        // The bit is set if and only if the type is not deflate.
        return view.IncompatibleFeatures.HasFlag(Qcow2Features.CompressionType) == (compression != Qcow2Compression.Deflate)
            ? compression
            : throw Corrupt(subject, "says two things of its compression");
    }

    private static void CheckGeometry(Qcow2HeaderView view, bool extended, string subject)
    {
        // Everything else is counted in clusters: check this before using it.
        if (view.ClusterBits is < MinClusterBits or > MaxClusterBits)
        {
            throw Corrupt(subject, $"has clusters of 2^{view.ClusterBits} bytes");
        }

        if (extended && view.ClusterBits < MinExtendedClusterBits)
        {
            throw Corrupt(subject, $"has subclusters in clusters of 2^{view.ClusterBits} bytes");
        }

        if (view.Size > MaxVirtualSize)
        {
            throw Corrupt(subject, $"has a disk of {view.Size} bytes");
        }

        int clusterBits = (int)view.ClusterBits;
        ulong withinCluster = (1UL << clusterBits) - 1;
        if (view.L1Size > MaxL1Entries || view.L1TableOffset > long.MaxValue || (view.L1TableOffset & withinCluster) != 0)
        {
            throw Corrupt(subject, "has an impossible L1 table");
        }

        // Reference counts are never read, but nothing else may lie where their table does.
        if (((long)view.RefcountTableClusters << clusterBits) > MaxRefcountTableLength
            || view.RefcountTableOffset > long.MaxValue - MaxRefcountTableLength || (view.RefcountTableOffset & withinCluster) != 0)
        {
            throw Corrupt(subject, "has an impossible refcount table");
        }

        if (view.Version == 3 && view.HeaderLength > 1U << clusterBits)
        {
            throw Corrupt(subject, $"has a header of {view.HeaderLength} bytes, longer than a cluster");
        }

        // An L2 table is one cluster of entries of 8 or 16 bytes, so one L1 entry covers 2^(2 * bits - 3) or half of that: at most 2^61 in all.
        ulong covered = (ulong)view.L1Size << ((2 * clusterBits) - (extended ? 4 : 3));
        if (view.Size > covered)
        {
            throw Corrupt(subject, $"has an L1 table for {covered} bytes and a disk of {view.Size}");
        }
    }

    private static StorageException Corrupt(string subject, string message) => new(StorageErrorKind.Corrupt, subject, message);

    private static StorageException NotSupported(string subject, string message) => new(StorageErrorKind.NotSupported, subject, message);
}
