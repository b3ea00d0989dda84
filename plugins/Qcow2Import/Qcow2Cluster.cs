using System.Buffers.Binary;
using System.Numerics;

namespace EveStorage.Qcow2Import;

/// <summary>
/// What an L2 entry maps ("L2 table entry", "Compressed Clusters Descriptor" and "Extended L2 Entries" of
/// docs/interop/qcow2.txt). One that exists has been validated: what it points at begins inside the file.
/// </summary>
/// <param name="Offset">Where its bytes lie; 0 when it has none.</param>
/// <param name="CompressedLength">How many compressed bytes there are at most; 0 when it is not compressed.</param>
/// <param name="Allocated">A bit for each 32nd of it: its bytes are in the file.</param>
/// <param name="Zero">A bit for each 32nd of it: it reads as zero.</param>
internal readonly record struct Qcow2Cluster(long Offset, int CompressedLength, uint Allocated, uint Zero)
{
    /// <summary>How many parts have bits of their own.</summary>
    internal const int Parts = 32;

    private const ulong OffsetBits = 0x00FF_FFFF_FFFF_FE00;
    private const ulong CompressedBit = 1UL << 62;
    private const ulong CopiedBit = 1UL << 63;
    private const ulong ZeroBit = 1;
    private const ulong ReservedBits = 0x3F00_0000_0000_01FE;
    private const int SectorSize = 512;

    internal bool IsCompressed => CompressedLength > 0;

    /// <summary>What a part reads as.</summary>
    internal ExtentKind KindOf(int part)
        => (Zero >> part & 1) != 0 ? ExtentKind.Zero : (Allocated >> part & 1) != 0 ? ExtentKind.Data : ExtentKind.Hole;

    /// <summary>Reads the entry at the start of <paramref name="entry"/>.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="header">The header.</param>
    /// <param name="guestOffset">Where its cluster is on the disk.</param>
    /// <param name="sourceLength">The length of the file; the greatest number when it is not known before its end.</param>
    /// <param name="subject">The image.</param>
    /// <exception cref="StorageException">It is impossible, or points outside of the file.</exception>
    internal static Qcow2Cluster Parse(ReadOnlySpan<byte> entry, Qcow2Header header, long guestOffset, long sourceLength, string subject)
    {
        ulong word = BinaryPrimitives.ReadUInt64BigEndian(entry);
        uint zero = 0;
        uint allocated = 0;
        if (header.ExtendedL2)
        {
            zero = BinaryPrimitives.ReadUInt32BigEndian(entry[8..]);
            allocated = BinaryPrimitives.ReadUInt32BigEndian(entry[12..]);
        }

        if ((word & CompressedBit) != 0)
        {
            return header.HasDataFile ? throw Corrupt(subject, "has a compressed cluster, and its data in another file")
                : (zero | allocated) == 0 ? ParseCompressed(word, header, sourceLength, subject)
                : throw Corrupt(subject, "has a compressed cluster with subclusters");
        }

        if ((word & ReservedBits) != 0 || ((header.Version == 2 || header.ExtendedL2) && (word & ZeroBit) != 0))
        {
            throw Corrupt(subject, $"has bits in an L2 entry, 0x{word:x}, that version {header.Version} has no meaning for");
        }

        long offset = (long)(word & OffsetBits);
        if (!header.ExtendedL2)
        {
            bool isZero = (word & ZeroBit) != 0;
            zero = isZero ? uint.MaxValue : 0;
            allocated = (offset != 0 || (header.HasDataFile && (word & CopiedBit) != 0)) && !isZero ? uint.MaxValue : 0;
        }

        return header.HasDataFile
            ? InDataFile(offset, guestOffset, allocated, zero, subject)
            : InImage(offset, allocated, zero, header, sourceLength, subject);
    }

    private static Qcow2Cluster InImage(long offset, uint allocated, uint zero, Qcow2Header header, long sourceLength, string subject)
    {
        // Only the last cluster of a file may be cut short; what is missing reads as zero.
        if (offset % header.ClusterSize != 0 || (offset != 0 && offset >= sourceLength))
        {
            throw Corrupt(subject, $"has a cluster at {offset}, outside of the file or between clusters");
        }

        return (allocated & zero) != 0 || (allocated != 0 && offset == 0)
            ? throw Corrupt(subject, "has a subcluster that is two things at once")
            : new(offset, 0, allocated, zero);
    }

    // In a file of its own the data lies where it is on the disk, so that an offset of 0 may be the first cluster's.
    private static Qcow2Cluster InDataFile(long offset, long guestOffset, uint allocated, uint zero, string subject)
        => (offset != guestOffset && (offset | allocated) != 0) ? throw Corrupt(subject, $"has the data of {guestOffset} at {offset} of its data file")
            : (allocated & zero) != 0 ? throw Corrupt(subject, "has a subcluster that is two things at once")
            : new(offset, 0, allocated, zero);

    // Bits 0 to x-1 are a byte's offset and the rest, up to 61, the number of additional sectors, with x = 62 - (cluster_bits - 8).
    private static Qcow2Cluster ParseCompressed(ulong word, Qcow2Header header, long sourceLength, string subject)
    {
        int offsetBits = 62 - (header.ClusterBits - 8);
        long offset = (long)(word & ((1UL << offsetBits) - 1));
        int sectors = (int)((word & (CompressedBit - 1)) >> offsetBits) + 1;
        int length = (sectors * SectorSize) - (int)(offset % SectorSize);
        return offset > 0 && offset < sourceLength && BitOperations.Log2((ulong)offset) < 56
            ? new(offset, (int)Math.Min(length, sourceLength - offset), uint.MaxValue, 0)
            : throw Corrupt(subject, $"has a compressed cluster at {offset}, outside of the file");
    }

    private static StorageException Corrupt(string subject, string message) => new(StorageErrorKind.Corrupt, subject, message);
}
