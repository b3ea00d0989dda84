namespace EveStorage.ZfsStream;

/// <summary>
/// Reads a stream's records one after the other, with one buffer. When it verifies it reads their payloads too, and holds
/// all of it against the checksums; else it goes over the payloads.
/// </summary>
internal sealed class RecordReader(IImageSource source, long position, int bufferLength, bool verify)
{
    private readonly byte[] _buffer = new byte[bufferLength];
    private long _start = position;
    private int _filled;
    private bool _swapped;
    private bool _isPackage;
    private bool _inPackage;
    private Fletcher4 _sums = new(swapped: false);

    /// <summary>Where the record lies that was read last.</summary>
    internal long Position { get; private set; }

    /// <summary>Where the next one begins.</summary>
    internal long Next { get; private set; } = position;

    /// <summary>The stream that the last record belongs to.</summary>
    internal StreamHeader? Header { get; private set; }

    /// <summary>Reads the next record. At the source's end, where no stream is open, it is null.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: it is not sound, or not whole.</exception>
    internal async ValueTask<StreamRecord?> ReadAsync(CancellationToken cancellationToken)
    {
        Position = Next;
        int read = await FillAsync(Position, RecordView.Length, cancellationToken);
        if (read == 0 && Header is null && !_inPackage)
        {
            return null;
        }

        if (read < RecordView.Length)
        {
            throw Corrupt($"ends at {Position + read}, within a stream: it was cut short");
        }

        StreamRecord record = Take(_buffer.AsSpan((int)(Position - _start), RecordView.Length));
        Next = Position + RecordView.Length + record.PayloadLength;
        if (verify)
        {
            await SumPayloadAsync(cancellationToken);
        }
        else if (source.Length < Next)
        {
            throw Corrupt($"ends at {source.Length}, within a stream: it was cut short");
        }

        return record;
    }

    /// <summary>Reads the payload of the record that was read last.</summary>
    internal async ValueTask<byte[]> ReadPayloadAsync(StreamRecord record, CancellationToken cancellationToken)
    {
        byte[] payload = new byte[record.PayloadLength];
        int read = await source.ReadAsync(Position + RecordView.Length, payload, cancellationToken);
        return read == payload.Length ? payload : throw Corrupt($"ends at {Position + RecordView.Length + read}, within a stream: it was cut short");
    }

    private StreamRecord Take(ReadOnlySpan<byte> bytes)
    {
        if (Header is null && _inPackage && new RecordView(bytes, _swapped).Type == RecordType.End)
        {
            _inPackage = false;   // the package's own end, which has no checksum
            return StreamRecord.Parse(new(bytes, _swapped), source.Name);
        }

        if (Header is null)
        {
            Header = StreamHeader.Parse(bytes, source.Name);
            if (_inPackage && (Header.IsPackage || Header.Swapped != _swapped))
            {
                throw Corrupt($"begins another package at {Position}, within one");
            }

            _swapped = Header.Swapped;
            _isPackage = Header.IsPackage;
            _sums = new(_swapped);
            _sums.Add(bytes);
            return StreamRecord.Parse(new(bytes, _swapped), source.Name);
        }

        RecordView view = new(bytes, _swapped);
        StreamRecord record = StreamRecord.Parse(view, source.Name);
        if (verify)
        {
            Verify(view, bytes, record.Type);
        }

        if (record.Type == RecordType.Begin)
        {
            throw Corrupt($"begins another stream at {Position}, within one");
        }

        if (record.Type == RecordType.End)
        {
            if (view.EndToGuid != Header.ToGuid)
            {
                throw Corrupt($"ends another stream at {Position} than it began");
            }

            _inPackage |= _isPackage;
            Header = null;
        }

        return record;
    }

    // Since 2015 every record of a stream has a checksum, of all before it; the END of a package's header has only the one
    // of what it ends.
    private void Verify(RecordView view, ReadOnlySpan<byte> bytes, RecordType type)
    {
        Fletcher4Sums before = _sums.Sums;
        if (type == RecordType.End && view.EndChecksum != before)
        {
            throw Corrupt($"does not match its checksum at {Position}: it was damaged on its way");
        }

        _sums.Add(bytes[..RecordView.ChecksumOffset]);
        if (view.Checksum != _sums.Sums && !(_isPackage && view.Checksum.IsZero))
        {
            throw view.Checksum.IsZero
                ? new StorageException(StorageErrorKind.NotSupported, source.Name, $"has a record without a checksum at {Position}: send it with a newer ZFS, or receive it into a ZFS pool")
                : Corrupt($"does not match its checksum at {Position}: it was damaged on its way");
        }

        _sums.Add(bytes[RecordView.ChecksumOffset..]);
    }

    private async ValueTask SumPayloadAsync(CancellationToken cancellationToken)
    {
        for (long at = Position + RecordView.Length; at < Next;)
        {
            int read = await FillAsync(at, sizeof(uint), cancellationToken);
            int length = (int)Math.Min(_start + _filled - at, Next - at) & ~3;
            if (read < sizeof(uint) || length == 0)
            {
                throw Corrupt($"ends at {at + read}, within a stream: it was cut short");
            }

            _sums.Add(_buffer.AsSpan((int)(at - _start), length));
            at += length;
        }
    }

    // Has at least that many bytes of the source from there in the buffer, if there are; gives back how many are.
    private async ValueTask<int> FillAsync(long at, int length, CancellationToken cancellationToken)
    {
        if (at < _start || at + length > _start + _filled)
        {
            int kept = at >= _start && at < _start + _filled ? (int)(_start + _filled - at) : 0;
            _buffer.AsSpan(_filled - kept, kept).CopyTo(_buffer);
            _start = at;
            _filled = kept + await source.ReadAsync(at + kept, _buffer.AsMemory(kept), cancellationToken);
        }

        return (int)Math.Min(length, _start + _filled - at);
    }

    private StorageException Corrupt(string message) => new(StorageErrorKind.Corrupt, source.Name, message);
}
