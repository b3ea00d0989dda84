namespace EveStorage.ZfsStreamImport;

/// <summary>One stream of a chain, or the header of a package: where it lies, and what going over its records told.</summary>
internal sealed class Substream(StreamHeader header, long position)
{
    /// <summary>A volume's data, of the kind DMU_OT_ZVOL.</summary>
    internal const ulong DataObject = 1;

    /// <summary>A volume's properties, of the kind DMU_OT_ZVOL_PROP.</summary>
    internal const ulong PropertyObject = 2;

    internal const uint DataKind = 23;
    internal const uint PropertyKind = 24;

    private readonly long[] _counts = new long[(int)RecordType.Redact + 1];

    /// <summary>Its BEGIN.</summary>
    internal StreamHeader Header => header;

    /// <summary>Where it begins.</summary>
    internal long Position => position;

    /// <summary>The volume's block size; 0 when it does not say.</summary>
    internal uint BlockSize { get; private set; }

    /// <summary>The volume's size in bytes; null when it does not say, since it did not change.</summary>
    internal ulong? Size { get; set; }

    /// <summary>The compressions of the volume's blocks.</summary>
    internal HashSet<BlockCompression> Compressions { get; } = [];

    /// <summary>The longest block that has to be decoded as a whole.</summary>
    internal long LongestEncoded { get; private set; }

    /// <summary>Whether it frees the volume's own objects.</summary>
    internal bool FreesVolume { get; private set; }

    /// <summary>How many records of a type it has.</summary>
    internal long CountOf(RecordType type) => _counts[(int)type];

    /// <summary>Counts a record in.</summary>
    internal void Add(in StreamRecord record)
    {
        _counts[(int)record.Type]++;
        if (record is { Type: RecordType.Object, Object: DataObject })
        {
            BlockSize = record.Kind.BlockSize;
        }
        else if (record is { Type: RecordType.Write or RecordType.WriteEmbedded, Object: DataObject })
        {
            Compressions.Add(record.Compression);
            LongestEncoded = record.IsPlain ? LongestEncoded : Math.Max(LongestEncoded, record.End - record.Offset);
        }
        else if (record is { Type: RecordType.FreeObjects, Offset: <= (long)PropertyObject, End: > (long)DataObject })
        {
            FreesVolume = true;
        }
    }
}
