using System.Buffers.Binary;
using EveStorage.ZfsStream;

namespace EveStorage.Zfs;

/// <summary>
/// Makes of a whole stream the one that goes on from a point: without what was received before it, with a BEGIN that says so, and with
/// the checksums of what is left. OpenZFS, module/zfs/dmu_send.c: resume_object and resume_offset of dmu_send_impl.
/// </summary>
internal sealed class ResumedStream(ResumePoint point, Stream target)
{
    // "drr_versioninfo" has the features from bit 2 on.
    private const int VersionInfo = 16;
    private const int FeatureBits = 2;
    private const int PayloadLength = 4;
    private const int EndSums = 8;

    private readonly Fletcher4 _sums = new(swapped: false);
    private readonly byte[] _word = new byte[sizeof(uint)];
    private int _partial;
    private bool _hasTail;

    /// <summary>Whether a stream can be made to go on: it begins without anything that would have to be kept beside where it goes on.</summary>
    internal static bool CanBeMadeOf(StreamHeader header)
        => !header.Swapped && (header.Features & (StreamFeatures.Raw | StreamFeatures.Redacted | StreamFeatures.Resuming)) == StreamFeatures.None;

    /// <summary>Takes a record, as it lies in the whole stream; false when it, and its payload, were received before.</summary>
    internal async ValueTask<bool> TakeAsync(byte[] record, StreamRecord parsed, CancellationToken cancellationToken)
    {
        if (parsed.Type == RecordType.Begin)
        {
            await BeginAsync(record, parsed, cancellationToken);
            return false;   // what it carried, which can be nothing
        }

        if (!IsLeft(parsed))
        {
            return false;
        }

        if (parsed.Type == RecordType.End)
        {
            Write(record, EndSums);
        }

        _sums.Add(record.AsSpan(0, RecordView.ChecksumOffset));
        Write(record, RecordView.ChecksumOffset);
        _sums.Add(record.AsSpan(RecordView.ChecksumOffset));
        await target.WriteAsync(record, cancellationToken);
        return true;
    }

    /// <summary>Takes a piece of the payload of the record that was taken.</summary>
    internal ValueTask PayloadAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
    {
        AddPayload(piece.Span);
        return target.WriteAsync(piece, cancellationToken);
    }

    private async ValueTask BeginAsync(byte[] record, StreamRecord parsed, CancellationToken cancellationToken)
    {
        if (parsed.PayloadLength > 0)
        {
            throw new StorageException(StorageErrorKind.NotSupported, "stream", "begins with what has to be kept: receive it from the start");
        }

        byte[] payload = point.ToPayload();
        ulong version = BinaryPrimitives.ReadUInt64LittleEndian(record.AsSpan(VersionInfo));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(PayloadLength), (uint)payload.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(VersionInfo), version | ((ulong)StreamFeatures.Resuming << FeatureBits));
        _sums.Add(record);
        _sums.Add(payload);
        await target.WriteAsync(record, cancellationToken);
        await target.WriteAsync(payload, cancellationToken);
    }

    // In the order of objects and offsets, as senders write; what an object is, and where it ends, comes again.
    private bool IsLeft(StreamRecord record)
    {
        switch (record.Type)
        {
            case RecordType.Object:
                _hasTail = false;
                return record.Object >= point.Object;
            case RecordType.FreeObjects:
                return record.End > (long)Math.Min(point.Object, long.MaxValue);
            case RecordType.Free when record.Object == point.Object && record.End == StreamRecord.ToTheEnd && !_hasTail:
                _hasTail = true;
                return true;
            case RecordType.Write or RecordType.WriteEmbedded or RecordType.Free:
                return record.Object > point.Object || (record.Object == point.Object && (ulong)record.Offset >= point.Offset);
            default:
                return true;
        }
    }

    private void AddPayload(ReadOnlySpan<byte> piece)
    {
        // Pieces are cut anywhere, and sums are of whole words.
        while (_partial > 0 && !piece.IsEmpty)
        {
            _word[_partial++] = piece[0];
            piece = piece[1..];
            if (_partial == _word.Length)
            {
                _sums.Add(_word);
                _partial = 0;
            }
        }

        int whole = piece.Length & ~3;
        _sums.Add(piece[..whole]);
        foreach (byte left in piece[whole..])
        {
            _word[_partial++] = left;
        }
    }

    private void Write(byte[] record, int at)
    {
        Fletcher4Sums sums = _sums.Sums;
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(at), sums.A);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(at + 8), sums.B);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(at + 16), sums.C);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(at + 24), sums.D);
    }
}
