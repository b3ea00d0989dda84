namespace EveStorage.ZfsStreamImport;

/// <summary>
/// Goes over what one stream says of the volume's data, in the ascending order in which senders write it, and verifies all
/// of the stream meanwhile.
/// </summary>
internal sealed class SubstreamCursor(IImageSource source, Substream stream, int bufferLength)
{
    private readonly RecordReader _reader = new(source, stream.Position, bufferLength, verify: true);
    private RecordRun? _next;
    private long _end;
    private bool _over;

    /// <summary>The run it is at; null when there are no more.</summary>
    internal RecordRun? Current { get; private set; }

    /// <summary>From where on the volume is zero, except where a run says otherwise.</summary>
    internal long ZeroFrom { get; private set; } = StreamRecord.ToTheEnd;

    /// <summary>Goes to the next run, the first time to the first.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: the stream is damaged, or goes back.</exception>
    internal async ValueTask AdvanceAsync(CancellationToken cancellationToken)
    {
        Current = _next;
        _next = null;
        while (!_over)
        {
            StreamRecord record = await ReadAsync(cancellationToken);
            if (record.Type is not (RecordType.Write or RecordType.WriteEmbedded or RecordType.Free)
                || record.Object != Substream.DataObject || record.Offset == record.End)
            {
                continue;
            }

            // The first thing a sender says of a volume: behind its last block there is nothing.
            if (record is { Type: RecordType.Free, End: StreamRecord.ToTheEnd } && _end == 0 && ZeroFrom == StreamRecord.ToTheEnd)
            {
                ZeroFrom = record.Offset;
                continue;
            }

            if (record.Offset < _end)
            {
                throw new StorageException(StorageErrorKind.Corrupt, source.Name, $"goes back to {record.Offset} of the volume, and a sender goes up");
            }

            _end = record.End;
            if (record.Type != RecordType.Free && Current?.TryAdd(record, _reader.Position) == true)
            {
                continue;
            }

            RecordRun run = record.Type == RecordType.Free ? RecordRun.Zeros(record.Offset, record.End) : RecordRun.Of(record, _reader.Position);
            if (Current is not null)
            {
                _next = run;
                return;
            }

            Current = run;
        }
    }

    /// <summary>Verifies what is left.</summary>
    internal async ValueTask FinishAsync(CancellationToken cancellationToken)
    {
        while (Current is not null || !_over)
        {
            await AdvanceAsync(cancellationToken);
        }
    }

    private async ValueTask<StreamRecord> ReadAsync(CancellationToken cancellationToken)
    {
        StreamRecord record = await _reader.ReadAsync(cancellationToken)
            ?? throw new StorageException(StorageErrorKind.Corrupt, source.Name, "ends within a stream: it was cut short");
        _over = record.Type == RecordType.End;
        return record;
    }
}
