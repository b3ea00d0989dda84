using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace EveStorage.Qcow2Import;

/// <summary>
/// Where everything lies in an image that we write: header, L1 table, then each L2 table before the clusters that it maps,
/// the reference counts last. So an import of it through a pipe goes straight through. Within a group of clusters the
/// compressed ones come first, packed, and the plain ones behind, at the start of a cluster each.
/// </summary>
internal sealed class SavedLayout
{
    /// <summary>QEMU's own default.</summary>
    internal const int ClusterBits = 16;

    internal const int ClusterSize = 1 << ClusterBits;
    internal const int GroupClusters = 32;
    internal const int GroupLength = GroupClusters * ClusterSize;
    internal const int L2Entries = ClusterSize / sizeof(ulong);
    internal const int GroupsInTable = L2Entries / GroupClusters;
    internal const long L2Coverage = (long)L2Entries << ClusterBits;

    /// <summary>Reference counts have 2 to the power of this bits.</summary>
    internal const int CountOrder = 4;

    /// <summary>The greatest disk whose L1 table a reader takes: 32 MiB of it.</summary>
    internal const long MaxSize = (32L << 20) / sizeof(ulong) * L2Coverage;

    private const ulong Copied = 1UL << 63;
    private const ulong Compressed = 1UL << 62;
    private const int CompressedOffsetBits = 62 - (ClusterBits - 8);
    private const int SectorBits = 9;
    private const int CountsInBlock = ClusterSize / sizeof(ushort);

    private readonly ulong[] _l1;
    private readonly List<ushort> _counts = [];

    /// <summary>Lays out the header and the L1 table of a disk.</summary>
    internal SavedLayout(long size)
    {
        _l1 = new ulong[(size + L2Coverage - 1) / L2Coverage];
        End = L1Offset + RoundUp((long)_l1.Length * sizeof(ulong));
        Count(0, End);
    }

    /// <summary>Where the L1 table lies.</summary>
    internal static long L1Offset => ClusterSize;

    /// <summary>Where what was laid out so far ends.</summary>
    internal long End { get; private set; }

    /// <summary>Where the next L2 table lies.</summary>
    internal long NextTable => RoundUp(End);

    /// <summary>Where reference counts begin, once everything else is laid out.</summary>
    internal long CountsOffset => RoundUp(End);

    /// <summary>How many L2 tables a disk needs at most.</summary>
    internal int Tables => _l1.Length;

    /// <summary>The L1 table, as it is in the file.</summary>
    internal byte[] L1 => BigEndian(_l1);

    /// <summary>The next multiple of a cluster.</summary>
    internal static long RoundUp(long offset) => (offset + ClusterSize - 1) & -ClusterSize;

    /// <summary>Lays out an L2 table and, behind it, the clusters that it maps.</summary>
    /// <param name="index">Which one.</param>
    /// <param name="lengths">Of each cluster in the file: 0 where it reads as zero, a cluster's where it is plain.</param>
    /// <returns>The table, as it is in the file.</returns>
    internal byte[] Add(int index, ReadOnlySpan<int> lengths)
    {
        long table = NextTable;
        _l1[index] = (ulong)table | Copied;
        End = table + ClusterSize;
        Count(table, End);
        ulong[] entries = new ulong[L2Entries];
        for (int first = 0; first < L2Entries; first += GroupClusters)
        {
            AddGroup(lengths.Slice(first, GroupClusters), entries.AsSpan(first, GroupClusters));
        }

        return BigEndian(entries);
    }

    /// <summary>The reference counts, as they are in the file: their blocks, and behind those their table.</summary>
    /// <param name="tableOffset">Where the table lies.</param>
    /// <param name="tableClusters">How many clusters it has.</param>
    internal byte[] Counts(out long tableOffset, out int tableClusters)
    {
        // They count themselves, too.
        long start = CountsOffset;
        int blocks = 0;
        for (int before = -1; before != blocks;)
        {
            before = blocks;
            tableClusters = (int)(RoundUp((long)blocks * sizeof(ulong)) / ClusterSize);
            long all = (start / ClusterSize) + blocks + tableClusters;
            blocks = (int)((all + CountsInBlock - 1) / CountsInBlock);
        }

        tableClusters = (int)(RoundUp((long)blocks * sizeof(ulong)) / ClusterSize);
        tableOffset = start + ((long)blocks * ClusterSize);
        Count(start, tableOffset + ((long)tableClusters * ClusterSize));
        byte[] bytes = new byte[(long)(blocks + tableClusters) * ClusterSize];
        for (int at = 0; at < _counts.Count; at++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(at * sizeof(ushort)), _counts[at]);
        }

        for (int block = 0; block < blocks; block++)
        {
            BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan((blocks * ClusterSize) + (block * sizeof(ulong))), start + ((long)block * ClusterSize));
        }

        return bytes;
    }

    // What is compressed shares clusters of the file, and each of those counts whose bytes are in it: up to the end of the last sector.
    private void AddGroup(ReadOnlySpan<int> lengths, Span<ulong> entries)
    {
        for (int at = 0; at < lengths.Length; at++)
        {
            if (lengths[at] is > 0 and < ClusterSize)
            {
                long last = End + lengths[at] - 1;
                entries[at] = Compressed | ((ulong)((last >> SectorBits) - (End >> SectorBits)) << CompressedOffsetBits) | (ulong)End;
                Count(End, (last | ((1 << SectorBits) - 1)) + 1);
                End = last + 1;
            }
        }

        if (lengths.Contains(ClusterSize))
        {
            End = RoundUp(End);
        }

        for (int at = 0; at < lengths.Length; at++)
        {
            if (lengths[at] == ClusterSize)
            {
                entries[at] = (ulong)End | Copied;
                Count(End, End + ClusterSize);
                End += ClusterSize;
            }
        }
    }

    private void Count(long start, long end)
    {
        int last = (int)((end - 1) / ClusterSize);
        if (last >= _counts.Count)
        {
            CollectionsMarshal.SetCount(_counts, last + 1);
        }

        for (int at = (int)(start / ClusterSize); at <= last; at++)
        {
            _counts[at]++;
        }
    }

    private static byte[] BigEndian(ReadOnlySpan<ulong> entries)
    {
        byte[] bytes = new byte[RoundUp((long)entries.Length * sizeof(ulong))];
        for (int at = 0; at < entries.Length; at++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(at * sizeof(ulong)), entries[at]);
        }

        return bytes;
    }
}
