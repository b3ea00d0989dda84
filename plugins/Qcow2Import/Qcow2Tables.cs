using System.Buffers.Binary;

namespace EveStorage.Qcow2Import;

/// <summary>
/// The two tables that map the disk to the file ("L1 table, L2 table" of docs/interop/qcow2.txt). The first is held, of the
/// second the last few that were used: at most 32 MiB each.
/// </summary>
internal sealed class Qcow2Tables
{
    private const ulong OffsetBits = 0x00FF_FFFF_FFFF_FE00;
    private const ulong ReservedBits = 0x7F00_0000_0000_01FF;
    private const int PieceLength = 64 << 10;
    private const int CachedLength = 32 << 20;

    private readonly IImageSource _source;
    private readonly long _sourceLength;
    private readonly Qcow2Header _header;
    private readonly long[] _l2Offsets;
    private readonly Dictionary<int, byte[]> _cached = [];
    private readonly Queue<int> _oldest = new();
    private readonly int _cachedTables;

    private Qcow2Tables(IImageSource source, long sourceLength, Qcow2Header header, long[] l2Offsets)
    {
        _source = source;
        _sourceLength = sourceLength;
        _header = header;
        _l2Offsets = l2Offsets;
        _cachedTables = Math.Max(1, CachedLength / header.ClusterSize / 2);
    }

    /// <summary>How many L2 tables the disk needs.</summary>
    internal int Count => _l2Offsets.Length;

    /// <summary>Reads the L1 table.</summary>
    /// <exception cref="StorageException">It is not wholly in the file, or points outside of it.</exception>
    internal static async Task<Qcow2Tables> OpenAsync(IImageSource source, long sourceLength, Qcow2Header header, CancellationToken cancellationToken)
    {
        // An L1 table may be longer than the disk needs: the state of a machine lies behind the disk. The parsed header bounds both.
        int needed = (int)((header.VirtualSize.Bytes + header.L2Coverage - 1) / header.L2Coverage);
        int length = needed * sizeof(ulong);
        if (header.L1TableOffset > sourceLength - ((long)header.L1Entries * sizeof(ulong)) || (header.L1TableOffset == 0 && needed > 0))
        {
            throw new StorageException(StorageErrorKind.Corrupt, source.Name, "has an L1 table outside of the file");
        }

        // In pieces: bytes and numbers of the longest table would be 64 MiB.
        byte[] piece = new byte[Math.Min(length, PieceLength)];
        long[] offsets = new long[needed];
        for (int start = 0; start < needed; start += PieceLength / sizeof(ulong))
        {
            Memory<byte> part = piece.AsMemory(0, Math.Min(piece.Length, (needed - start) * sizeof(ulong)));
            await ReadExactlyAsync(source, header.L1TableOffset + ((long)start * sizeof(ulong)), part, cancellationToken);
            for (int at = 0; at < part.Length / sizeof(ulong); at++)
            {
                offsets[start + at] = OffsetOf(BinaryPrimitives.ReadUInt64BigEndian(part.Span[(at * sizeof(ulong))..]), sourceLength, header, source.Name);
            }
        }

        return new(source, sourceLength, header, offsets);
    }

    private static long OffsetOf(ulong entry, long sourceLength, Qcow2Header header, string subject)
    {
        long offset = (long)(entry & OffsetBits);
        if ((entry & ReservedBits) != 0)
        {
            throw new StorageException(StorageErrorKind.Corrupt, subject, $"has bits in an L1 entry, 0x{entry:x}, that have no meaning");
        }

        return offset % header.ClusterSize == 0 && offset <= sourceLength - header.ClusterSize ? offset
            : throw new StorageException(StorageErrorKind.Corrupt, subject, $"has an L2 table at {offset}, outside of the file or between clusters");
    }

    /// <summary>Where an L2 table lies; 0 when there is none.</summary>
    internal long OffsetOf(int index) => _l2Offsets[index];

    /// <summary>An L2 table.</summary>
    internal async ValueTask<byte[]> ReadAsync(int index, CancellationToken cancellationToken)
    {
        lock (_cached)
        {
            if (_cached.TryGetValue(index, out byte[]? known))
            {
                return known;
            }
        }

        byte[] table = new byte[_header.ClusterSize];
        await ReadExactlyAsync(_source, _l2Offsets[index], table, cancellationToken);
        lock (_cached)
        {
            if (_cached.TryAdd(index, table))
            {
                _oldest.Enqueue(index);
                if (_oldest.Count > _cachedTables)
                {
                    _cached.Remove(_oldest.Dequeue());
                }
            }
        }

        return table;
    }

    /// <summary>What one entry of an L2 table maps.</summary>
    internal Qcow2Cluster ClusterOf(ReadOnlySpan<byte> table, int index, int entry)
        => Qcow2Cluster.Parse(table[(entry * _header.L2EntryLength)..], _header, ClusterExtents.GuestOffsetOf(_header, index, entry), _sourceLength, _source.Name);

    /// <summary>Lets go of a table that is not needed again.</summary>
    internal void Forget(int index)
    {
        lock (_cached)
        {
            if (_cached.Remove(index))
            {
                _oldest.Clear();
            }
        }
    }

    private static async Task ReadExactlyAsync(IImageSource source, long offset, Memory<byte> target, CancellationToken cancellationToken)
    {
        if (await source.ReadAsync(offset, target, cancellationToken) != target.Length)
        {
            throw new StorageException(StorageErrorKind.Corrupt, source.Name, $"ends within a table at {offset}");
        }
    }
}
