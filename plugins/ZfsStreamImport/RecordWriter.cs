using System.Buffers.Binary;
using System.Text;

namespace EveStorage.ZfsStreamImport;

/// <summary>
/// Writes the records of one stream of a volume, little-endian, each with the checksum of all before it. The
/// fields that are not set are zero in those of <c>zfs send</c>, too.
/// </summary>
internal sealed class RecordWriter(Stream image, ulong guid)
{
    // "DRR_FLAG_FREERECORDS": what is not written is freed. "DRR_FLAG_SPILL_BLOCK": all spill blocks are there, of which a volume has none.
    private const uint Flags = (1 << 2) | (1 << 3);
    private const ulong KindIsStream = 1;

    // "ZIO_CHECKSUM_OFF": nobody need hold a block against a checksum of the sender's pool.
    private const byte NoChecksum = 2;

    private readonly byte[] _record = new byte[RecordView.Length];
    private readonly Fletcher4 _sums = new(swapped: false);

    internal ValueTask BeginAsync(string name, DateTimeOffset created, CancellationToken cancellationToken)
    {
        Start(RecordType.Begin);
        U64(8, StreamHeader.Magic);
        U64(16, KindIsStream);
        U64(24, (ulong)created.ToUnixTimeSeconds());
        U32(32, (uint)ObjectSetType.Volume);
        U32(36, Flags);
        U64(40, guid);
        Encoding.ASCII.GetBytes(name, _record.AsSpan(56, 255));
        return WriteAsync(default, cancellationToken);
    }

    internal ValueTask ObjectAsync(ulong id, uint kind, uint blockSize, CancellationToken cancellationToken)
    {
        Start(RecordType.Object);
        U64(8, id);
        U32(16, kind);
        U32(24, blockSize);
        _record[34] = 1;   // dnode slots
        U64(40, guid);
        return WriteAsync(default, cancellationToken);
    }

    internal ValueTask FreeAsync(ulong id, long offset, ulong length, CancellationToken cancellationToken)
    {
        Start(RecordType.Free);
        U64(8, id);
        U64(16, (ulong)offset);
        U64(24, length);
        U64(32, guid);
        return WriteAsync(default, cancellationToken);
    }

    internal ValueTask FreeObjectsAsync(ulong first, ulong count, CancellationToken cancellationToken)
    {
        Start(RecordType.FreeObjects);
        U64(8, first);
        U64(16, count);
        U64(24, guid);
        return WriteAsync(default, cancellationToken);
    }

    internal ValueTask BlockAsync(ulong id, uint kind, long offset, ReadOnlyMemory<byte> block, CancellationToken cancellationToken)
    {
        Start(RecordType.Write);
        U64(8, id);
        U32(16, kind);
        U64(24, (ulong)offset);
        U64(32, (ulong)block.Length);
        U64(40, guid);
        _record[48] = NoChecksum;
        return WriteAsync(block, cancellationToken);
    }

    internal ValueTask EndAsync(CancellationToken cancellationToken)
    {
        Start(RecordType.End);
        Sums(8);
        U64(40, guid);
        return WriteAsync(default, cancellationToken);
    }

    private void Start(RecordType type)
    {
        _record.AsSpan().Clear();
        U32(0, (uint)type);
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        _sums.Add(_record.AsSpan(0, RecordView.ChecksumOffset));
        if (BinaryPrimitives.ReadUInt32LittleEndian(_record) != (uint)RecordType.Begin)
        {
            Sums(RecordView.ChecksumOffset);
        }

        _sums.Add(_record.AsSpan(RecordView.ChecksumOffset));
        _sums.Add(payload.Span);
        await image.WriteAsync(_record, cancellationToken);
        await image.WriteAsync(payload, cancellationToken);
    }

    private void Sums(int at)
    {
        Fletcher4Sums sums = _sums.Sums;
        U64(at, sums.A);
        U64(at + 8, sums.B);
        U64(at + 16, sums.C);
        U64(at + 24, sums.D);
    }

    private void U32(int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(_record.AsSpan(at), value);

    private void U64(int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(_record.AsSpan(at), value);
}
