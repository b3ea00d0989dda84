using EveStorage.ZfsStream;

namespace EveStorage.Zfs;

/// <summary>
/// Goes over an image once and in order, and hands each stream in it on as it is. ZFS is never shown the header of a package, whose
/// properties would be set on what it makes. What is handed on is for ZFS to verify: here only lengths are looked at.
/// </summary>
internal sealed class StreamFeed(IImageSource image, Action<long> passed)
{
    private const int BufferLength = 256 << 10;

    private readonly byte[] _buffer = new byte[BufferLength];
    private readonly byte[] _record = new byte[RecordView.Length];
    private long _start;
    private int _filled;
    private long _at;
    private bool _swapped;
    private bool _inPackage;

    /// <summary>The next stream, of which nothing but its head has been taken; null at the end.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: something else comes, or nothing where something has to.</exception>
    internal async ValueTask<StreamHeader?> NextAsync(CancellationToken cancellationToken)
    {
        while (await TakeRecordAsync(mayEnd: !_inPackage, cancellationToken))
        {
            if (_inPackage && new RecordView(_record, _swapped).Type == RecordType.End)
            {
                _inPackage = false;
                continue;
            }

            StreamHeader header = StreamHeader.Parse(_record, image.Name);
            if (_inPackage && (header.IsPackage || header.Swapped != _swapped))
            {
                throw Corrupt($"begins another package at {_at}, within one");
            }

            _swapped = header.Swapped;
            if (!header.IsPackage)
            {
                return header;
            }

            await PassAsync(Stream.Null, cancellationToken);
            _inPackage = true;
        }

        return null;
    }

    /// <summary>Hands on all of the stream whose head was taken.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: it is not whole.</exception>
    internal async Task PassAsync(Stream target, CancellationToken cancellationToken)
    {
        RecordType type;
        do
        {
            StreamRecord record = Parse();
            type = record.Type;
            await target.WriteAsync(_record, cancellationToken);
            await PayloadAsync(record.PayloadLength, piece => target.WriteAsync(piece, cancellationToken), cancellationToken);
            await NextOfAsync(type, cancellationToken);
        }
        while (type != RecordType.End);

        await target.FlushAsync(cancellationToken);
    }

    /// <summary>Hands on what is left of the stream whose head was taken, as <c>zfs send -t</c> would.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: it is not whole.</exception>
    internal async Task PassFromAsync(ResumePoint point, Stream target, CancellationToken cancellationToken)
    {
        ResumedStream resumed = new(point, target);
        RecordType type;
        do
        {
            StreamRecord record = Parse();
            type = record.Type;
            if (await resumed.TakeAsync(_record, record, cancellationToken))
            {
                await PayloadAsync(record.PayloadLength, piece => resumed.PayloadAsync(piece, cancellationToken), cancellationToken);
            }
            else
            {
                await SkipAsync(record.PayloadLength, cancellationToken);
            }

            await NextOfAsync(type, cancellationToken);
        }
        while (type != RecordType.End);

        await target.FlushAsync(cancellationToken);
    }

    private StreamRecord Parse() => StreamRecord.Parse(new(_record, _swapped), image.Name);

    // Behind an END nothing is taken: what comes there is another stream, or nothing.
    private async ValueTask NextOfAsync(RecordType type, CancellationToken cancellationToken)
    {
        if (type != RecordType.End)
        {
            await TakeRecordAsync(mayEnd: false, cancellationToken);
            if (new RecordView(_record, _swapped).Type == RecordType.Begin)
            {
                throw Corrupt($"begins another stream before {_at}, within one");
            }
        }
    }

    private async ValueTask<bool> TakeRecordAsync(bool mayEnd, CancellationToken cancellationToken)
    {
        for (int taken = 0; taken < _record.Length;)
        {
            ReadOnlyMemory<byte> piece = await TakeAsync(_record.Length - taken, cancellationToken);
            if (piece.IsEmpty)
            {
                return mayEnd && taken == 0 ? false : throw CutShort();
            }

            piece.CopyTo(_record.AsMemory(taken));
            taken += piece.Length;
        }

        return true;
    }

    private async ValueTask PayloadAsync(long length, Func<ReadOnlyMemory<byte>, ValueTask> take, CancellationToken cancellationToken)
    {
        while (length > 0)
        {
            ReadOnlyMemory<byte> piece = await TakeAsync((int)Math.Min(length, BufferLength), cancellationToken);
            if (piece.IsEmpty)
            {
                throw CutShort();
            }

            await take(piece);
            length -= piece.Length;
        }
    }

    private async ValueTask SkipAsync(long length, CancellationToken cancellationToken)
    {
        if (!image.CanSeek)
        {
            await PayloadAsync(length, static _ => default, cancellationToken);
            return;
        }

        _at += length;
        if (image.Length < _at)
        {
            throw CutShort();
        }
    }

    // What is there of the next bytes, which stay as they are until the next call: at least one, but at the end.
    private async ValueTask<ReadOnlyMemory<byte>> TakeAsync(int most, CancellationToken cancellationToken)
    {
        if (_at < _start || _at >= _start + _filled)
        {
            _start = _at;
            _filled = await image.ReadAsync(_at, _buffer, cancellationToken);
            passed(_at);
        }

        ReadOnlyMemory<byte> piece = _buffer.AsMemory((int)(_at - _start), (int)Math.Min(most, _start + _filled - _at));
        _at += piece.Length;
        return piece;
    }

    private StorageException CutShort() => Corrupt($"ends at {_at}, within a stream: it was cut short");

    private StorageException Corrupt(string message) => new(StorageErrorKind.Corrupt, image.Name, message);
}
