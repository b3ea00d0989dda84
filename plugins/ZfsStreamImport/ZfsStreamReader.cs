namespace EveStorage.ZfsStreamImport;

/// <summary>An open stream, or chain of streams: what it is is known, and whether it can be replayed shows when its extents are asked for.</summary>
internal sealed class ZfsStreamReader : IImageReader
{
    private readonly IImageSource _source;
    private readonly StreamSurvey _survey;
    private readonly BlockDecoder _decoder;
    private readonly string? _refusal;

    internal ZfsStreamReader(IImageSource source, StreamSurvey survey)
    {
        _source = source;
        _survey = survey;
        _decoder = new(source.Name);
        _refusal = StreamRefusal.Of(survey);
        ulong? size = survey.Streams.FindLast(stream => stream.Size is not null)?.Size;
        VirtualSize = new(size <= long.MaxValue ? (long)size : 0);
        Details = StreamDetails.Of(survey);
    }

    /// <inheritdoc/>
    public ByteSize VirtualSize { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Details { get; }

    /// <inheritdoc/>
    public IAsyncEnumerable<ImageExtent> ReadExtentsAsync(CancellationToken cancellationToken)
        => _refusal is null
            ? new ChainExtents(_source, _survey, VirtualSize.Bytes).ReadAsync(cancellationToken)
            : throw new StorageException(StorageErrorKind.NotSupported, _source.Name, _refusal);

    /// <inheritdoc/>
    public void Decode(in ImageExtent extent, ReadOnlySpan<byte> source, Span<byte> target)
    {
        if (extent.Encoding == ExtentEncoding.Plain)
        {
            if (source.Length != target.Length)
            {
                throw Corrupt($"ends within the block at {extent.GuestOffset}: it was cut short");
            }

            source.CopyTo(target);
            return;
        }

        int done = 0;
        while (!source.IsEmpty)
        {
            StreamRecord record = RecordAt(source);
            long length = record.End - record.Offset;
            if (record.Offset != extent.GuestOffset + done || length > target.Length - done || record.PayloadLength > source.Length - RecordView.Length)
            {
                throw Corrupt($"has another record for {extent.GuestOffset + done} than a moment ago");
            }

            _decoder.Decode(record, source.Slice(RecordView.Length, record.PayloadLength), target.Slice(done, (int)length));
            source = source[(RecordView.Length + record.PayloadLength)..];
            done += (int)length;
        }

        if (done != target.Length)
        {
            throw Corrupt($"has no record for {extent.GuestOffset + done}: it was cut short");
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _decoder.Dispose();
        return _source.DisposeAsync();
    }

    // A type is a small number, so that it shows the byte order.
    private StreamRecord RecordAt(ReadOnlySpan<byte> source)
    {
        if (source.Length < RecordView.Length)
        {
            throw Corrupt("ends within a record: it was cut short");
        }

        bool swapped = source[3] != 0;
        StreamRecord record = StreamRecord.Parse(new(source[..RecordView.Length], swapped), _source.Name);
        return record is { Type: RecordType.Write or RecordType.WriteEmbedded, Object: Substream.DataObject }
            ? record
            : throw Corrupt("has another record than a moment ago");
    }

    private StorageException Corrupt(string message) => new(StorageErrorKind.Corrupt, _source.Name, message);
}
