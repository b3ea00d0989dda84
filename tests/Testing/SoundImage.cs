using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace EveStorage.Testing;

/// <summary>
/// A small sound qcow2 that is made by a number: versions, cluster sizes, subclusters, both compressions, snapshots, extensions,
/// tables before what they map and behind it. It knows its disk, and where its parts are that a fuzzer likes to change.
/// </summary>
public sealed class SoundImage
{
    private const ulong Compressed = 1UL << 62;
    private const ulong Copied = 1UL << 63;
    private const int ZlibKind = 0;
    private const int Subclusters = 32;

    private readonly Random _random;
    private readonly int _version;
    private readonly int _bits;
    private readonly bool _extended;
    private readonly bool _zstd;
    private readonly bool _tablesLast;
    private readonly List<int> _entries = [];
    private readonly List<(int At, int Length)> _payloads = [];
    private byte[] _bytes = [];

    private SoundImage(int number)
    {
        _random = new(number);
        _version = number % 4 == 1 ? 2 : 3;
        _extended = number % 32 == 7;
        _bits = _extended ? 14 : 9 + (number % 3);
        _zstd = _version == 3 && number % 2 == 0;
        _tablesLast = number % 5 == 0;
        ByteSize size = new(512L * _random.Next(1, 1 + (2 * EntriesOfTable << _bits) / 512));
        Disk = new byte[size.Bytes];
        Allocate(1);
        WriteTables();
        if (number % 6 == 2)
        {
            WriteSnapshots(_random.Next(1, 4));
        }

        WriteHeader();
    }

    /// <summary>The image.</summary>
    public byte[] Bytes => _bytes;

    /// <summary>Its disk.</summary>
    public byte[] Disk { get; }

    /// <summary>Where numbers of 8 bytes are that say where something lies.</summary>
    public IReadOnlyList<int> Entries => _entries;

    /// <summary>Where bytes are that are decoded.</summary>
    public IReadOnlyList<(int At, int Length)> Payloads => _payloads;

    /// <summary>The length of its clusters.</summary>
    public int ClusterSize => 1 << _bits;

    // Few, so that a disk of subclusters has no more clusters than others.
    private int EntriesOfTable => _extended ? 8 : ClusterSize / sizeof(ulong);

    private int L1At { get; set; }

    private int SnapshotsAt { get; set; }

    private int Snapshots { get; set; }

    /// <summary>Makes one.</summary>
    public static SoundImage Make(int number) => new(number);

    private int Allocate(int clusters)
    {
        int at = _bytes.Length;
        Array.Resize(ref _bytes, at + (clusters << _bits));
        return at;
    }

    private void WriteTables()
    {
        int coverage = (ClusterSize / (_extended ? 16 : sizeof(ulong))) << _bits;
        int tables = (Disk.Length + coverage - 1) / coverage;
        L1At = Allocate(Math.Max(1, (tables * sizeof(ulong) + ClusterSize - 1) >> _bits));
        for (int table = 0; table < tables; table++)
        {
            int entry = L1At + (table * sizeof(ulong));
            _entries.Add(entry);
            if (_random.Next(8) > 0)
            {
                WriteTable(entry, table * coverage, Math.Min(coverage, Disk.Length - (table * coverage)));
            }
        }
    }

    private void WriteTable(int entry, int start, int length)
    {
        int at = _tablesLast ? 0 : Allocate(1);
        byte[] table = new byte[ClusterSize];
        for (int cluster = 0; cluster << _bits < length; cluster++)
        {
            WriteCluster(table.AsSpan(cluster * (_extended ? 16 : 8)), start + (cluster << _bits));
        }

        at = _tablesLast ? Allocate(1) : at;
        table.CopyTo(_bytes, at);
        for (int cluster = 0; cluster << _bits < length; cluster++)
        {
            _entries.Add(at + (cluster * (_extended ? 16 : 8)));
        }

        U64(entry, (uint)at | Copied);
    }

    private void WriteCluster(Span<byte> entry, int disk)
    {
        Span<byte> target = Disk.AsSpan(disk, Math.Min(ClusterSize, Disk.Length - disk));
        switch (_random.Next(10))
        {
            case < 3:
                break;   // a hole
            case < 6 when _extended:
                WriteSubclusters(entry, target);
                break;
            case < 6:
                BinaryPrimitives.WriteUInt64BigEndian(entry, (uint)WritePlain(target) | Copied);
                break;
            case < 7 when _version == 3 && !_extended:
                BinaryPrimitives.WriteUInt64BigEndian(entry, (_random.Next(2) == 0 ? (uint)Allocate(1) : 0UL) | 1);
                break;
            case < 9:
                BinaryPrimitives.WriteUInt64BigEndian(entry, WriteCompressed(target));
                break;
            default:
                break;
        }
    }

    private int WritePlain(Span<byte> disk)
    {
        int at = Allocate(1);
        _random.NextBytes(_bytes.AsSpan(at, ClusterSize));
        _bytes.AsSpan(at, disk.Length).CopyTo(disk);
        return at;
    }

    private void WriteSubclusters(Span<byte> entry, Span<byte> disk)
    {
        uint zero = (uint)_random.Next();
        uint allocated = (uint)_random.Next() & ~zero;
        int at = WritePlain(disk);
        BinaryPrimitives.WriteUInt64BigEndian(entry, (uint)at | Copied);
        BinaryPrimitives.WriteUInt32BigEndian(entry[8..], zero);
        BinaryPrimitives.WriteUInt32BigEndian(entry[12..], allocated);
        int length = ClusterSize / Subclusters;
        for (int part = 0; part < Subclusters && part * length < disk.Length; part++)
        {
            if ((allocated >> part & 1) == 0)
            {
                disk[(part * length)..Math.Min(disk.Length, (part + 1) * length)].Clear();
            }
        }
    }

    // At the end of the file as it is, and perhaps not at the start of a cluster: the next one begins there.
    private ulong WriteCompressed(Span<byte> disk)
    {
        byte[] plain = new byte[ClusterSize];
        plain.AsSpan(_random.Next(ClusterSize)).Fill((byte)_random.Next(256));
        _random.NextBytes(plain.AsSpan(0, _random.Next(ClusterSize / 4)));
        plain.AsSpan(0, disk.Length).CopyTo(disk);
        byte[] packed = _zstd ? ZstdOf(plain) : DeflateOf(plain);
        int at = Allocate((packed.Length + 100 + ClusterSize - 1) >> _bits);
        at += _random.Next(100);
        packed.CopyTo(_bytes, at);
        _payloads.Add((at, packed.Length));
        int sectors = ((at + packed.Length - 1) >> 9) - (at >> 9);
        return Compressed | ((ulong)(uint)sectors << (62 - (_bits - 8))) | (uint)at;
    }

    private static byte[] DeflateOf(byte[] plain)
    {
        using MemoryStream target = new();
        using (DeflateStream deflater = new(target, CompressionLevel.Fastest))
        {
            deflater.Write(plain);
        }

        return target.ToArray();
    }

    // A frame of raw and repeated blocks (RFC 8878), as no encoder that we have here makes it.
    private static byte[] ZstdOf(byte[] plain)
    {
        int cut = plain.AsSpan().LastIndexOfAnyExcept(plain[^1]) + 1;
        using MemoryStream frame = new();
        frame.Write([0x28, 0xB5, 0x2F, 0xFD, 0xA0]);
        Number(frame, plain.Length, 4);
        Number(frame, cut << 3, 3);
        frame.Write(plain.AsSpan(0, cut));
        Number(frame, ((plain.Length - cut) << 3) | 0b011, 3);
        frame.WriteByte(plain[^1]);
        return frame.ToArray();

        static void Number(Stream stream, int value, int length)
        {
            for (; length > 0; length--, value >>= 8)
            {
                stream.WriteByte((byte)value);
            }
        }
    }

    private void WriteSnapshots(int count)
    {
        Snapshots = count;
        SnapshotsAt = Allocate(1);
        int at = SnapshotsAt;
        for (int number = 0; number < count; number++)
        {
            _entries.Add(at);
            U64(at, (ulong)L1At);
            U32(at + 8, U32(36));
            (_bytes[at + 13], _bytes[at + 15], _bytes[at + 39]) = (1, 2, 16);
            U64(at + 48, (ulong)Disk.Length);
            Encoding.ASCII.GetBytes($"{number}s{number}").CopyTo(_bytes, at + 56);
            at += 64;
        }
    }

    private void WriteHeader()
    {
        int tables = (Disk.Length + ((ClusterSize / (_extended ? 16 : 8)) << _bits) - 1) / ((ClusterSize / (_extended ? 16 : 8)) << _bits);
        U32(0, 0x514649fb);
        U32(4, (uint)_version);
        U32(20, (uint)_bits);
        U64(24, (ulong)Disk.Length);
        U32(36, (uint)tables);
        U64(40, (ulong)L1At);
        U32(60, (uint)Snapshots);
        U64(64, (ulong)SnapshotsAt);
        for (int number = 0; number < Snapshots; number++)
        {
            U32(SnapshotsAt + (number * 64) + 8, (uint)tables);
        }

        if (_version == 3)
        {
            U64(72, (_zstd ? 8UL : 0) | (_extended ? 16UL : 0));
            U32(96, 4);
            U32(100, 112);
            _bytes[104] = (byte)(_zstd ? 1 : ZlibKind);
            U32(112, 0x6803f857);
            U32(116, 48);
            Encoding.ASCII.GetBytes("a feature").CopyTo(_bytes, 122);
        }
    }

    private uint U32(int at) => BinaryPrimitives.ReadUInt32BigEndian(_bytes.AsSpan(at));

    private void U32(int at, uint value) => BinaryPrimitives.WriteUInt32BigEndian(_bytes.AsSpan(at), value);

    private void U64(int at, ulong value) => BinaryPrimitives.WriteUInt64BigEndian(_bytes.AsSpan(at), value);
}
