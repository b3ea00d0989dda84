namespace EveStorage.ZfsStreamImport;

/// <summary>What going over the records of a whole source told, before any payload but the one with the size was looked at.</summary>
internal sealed class StreamSurvey
{
    // Ten years of a snapshot every three days; each is a reader with a buffer when they are replayed.
    private const int MostStreams = 1024;
    private const int BufferLength = 4096;

    // A micro ZAP has at most 128 KiB, with LARGE_MICROZAP 1 MiB.
    private const int LongestProperties = 1 << 20;

    private StreamSurvey()
    {
    }

    /// <summary>The streams, each going on from the one before where it can be replayed.</summary>
    internal List<Substream> Streams { get; } = [];

    /// <summary>The headers of packages.</summary>
    internal List<Substream> Packages { get; } = [];

    /// <summary>Goes over all records.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: one is not sound, or the source is not whole.</exception>
    internal static async Task<StreamSurvey> RunAsync(IImageSource source, CancellationToken cancellationToken)
    {
        StreamSurvey survey = new();
        using BlockDecoder decoder = new(source.Name);
        RecordReader reader = new(source, 0, BufferLength, verify: false);
        Substream? current = null;
        while (await reader.ReadAsync(cancellationToken) is StreamRecord record)
        {
            if (record.Type == RecordType.Begin)
            {
                current = new(reader.Header!, reader.Position);
                survey.Add(current, source.Name);
                continue;
            }

            current?.Add(record);
            if (current?.Header.Of == ObjectSetType.Volume && record is { Type: RecordType.Write or RecordType.WriteEmbedded, Object: Substream.PropertyObject, Offset: 0 })
            {
                current.Size = await SizeOfAsync(reader, record, decoder, cancellationToken) ?? current.Size;
            }
        }

        return survey.Streams.Count > 0 ? survey : throw new StorageException(StorageErrorKind.Corrupt, source.Name, "has no stream in it");
    }

    private void Add(Substream stream, string subject)
    {
        List<Substream> list = stream.Header.IsPackage ? Packages : Streams;
        if (list.Count == MostStreams)
        {
            throw new StorageException(StorageErrorKind.NotSupported, subject, $"has more than {MostStreams} streams in it: receive it into a ZFS pool");
        }

        list.Add(stream);
    }

    // A raw stream has it encrypted: then there is none, and the stream is refused for what it is.
    private static async ValueTask<ulong?> SizeOfAsync(RecordReader reader, StreamRecord record, BlockDecoder decoder, CancellationToken cancellationToken)
    {
        if (record.DecodedLength > LongestProperties || reader.Header!.Features.HasFlag(StreamFeatures.Raw))
        {
            return null;
        }

        byte[] block = new byte[record.DecodedLength];
        decoder.Decode(record, await reader.ReadPayloadAsync(record, cancellationToken), block);
        return MicroZap.Find(block, "size");
    }
}
