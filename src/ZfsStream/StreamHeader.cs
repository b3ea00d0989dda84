using System.Text;

namespace EveStorage.ZfsStream;

/// <summary>A BEGIN record. One that exists has been validated; whether its stream can be replayed is another question.</summary>
internal sealed record StreamHeader
{
    internal const ulong Magic = 0x2F5bacbac;

    // "DMU_GET_STREAM_HDRTYPE" and "DMU_GET_FEATUREFLAGS".
    private const int KindBits = 2;
    private const int FeatureBits = 56;

    // "DRR_FLAG_CLONE".
    private const uint CloneFlag = 1;

    /// <summary>Whether the sender has the other byte order.</summary>
    internal required bool Swapped { get; init; }

    /// <summary>Whether it begins a package of streams, and no stream.</summary>
    internal required bool IsPackage { get; init; }

    /// <summary>What its reader has to know.</summary>
    internal required StreamFeatures Features { get; init; }

    /// <summary>When the snapshot was taken; null when it says nothing a clock would.</summary>
    internal required DateTimeOffset? Created { get; init; }

    /// <summary>What it is of.</summary>
    internal required ObjectSetType Of { get; init; }

    /// <summary>The snapshot's guid.</summary>
    internal required ulong ToGuid { get; init; }

    /// <summary>The guid of the snapshot that it goes on from; 0 for none.</summary>
    internal required ulong FromGuid { get; init; }

    /// <summary>Whether it is of a clone of the volume that has that snapshot, and not of that volume itself.</summary>
    internal required bool IsClone { get; init; }

    /// <summary>The snapshot's name, of which only characters that can be shown are left. It never names anything here.</summary>
    internal required string ToName { get; init; }

    /// <summary>Whether <paramref name="head"/> begins a stream; and if so, whether its byte order is the other one.</summary>
    internal static bool? SwapOf(ReadOnlySpan<byte> head)
        => head.Length < 16 ? null
            : Begins(new(head, swapped: false)) ? false
            : Begins(new(head, swapped: true)) ? true
            : null;

    /// <summary>Reads a BEGIN record.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: it is none.</exception>
    internal static StreamHeader Parse(ReadOnlySpan<byte> record, string subject)
    {
        if (SwapOf(record) is not bool swapped)
        {
            throw Corrupt(subject, "has something else where a stream begins");
        }

        RecordView view = new(record, swapped);
        ulong kind = view.VersionInfo & ((1 << KindBits) - 1);
        if (kind is not (1 or 2))
        {
            throw Corrupt(subject, $"begins a stream of the unknown kind {kind}");
        }

        return new()
        {
            Swapped = swapped,
            IsPackage = kind == 2,
            Features = (StreamFeatures)((view.VersionInfo >> KindBits) & ((1UL << FeatureBits) - 1)),
            Created = view.CreationTime <= (ulong)DateTimeOffset.MaxValue.ToUnixTimeSeconds() ? DateTimeOffset.FromUnixTimeSeconds((long)view.CreationTime) : null,
            Of = (ObjectSetType)view.ObjectSetType,
            ToGuid = view.BeginToGuid,
            FromGuid = view.FromGuid,
            IsClone = (view.BeginFlags & CloneFlag) != 0,
            ToName = Shown(view.ToName),
        };
    }

    private static bool Begins(RecordView view) => view.Type == RecordType.Begin && view.Magic == Magic;

    // A name goes to terminals and logs.
    private static string Shown(ReadOnlySpan<byte> name)
    {
        int end = name.IndexOf((byte)0);
        return string.Concat(Encoding.ASCII.GetString(end < 0 ? name : name[..end]).Select(character => char.IsAsciiLetterOrDigit(character) || "-_.:/@#% ".Contains(character) ? character : '?'));
    }

    private static StorageException Corrupt(string subject, string message) => new(StorageErrorKind.Corrupt, subject, message);
}

/// <summary>"dmu_objset_type".</summary>
internal enum ObjectSetType : uint
{
    None = 0,
    Meta = 1,
    FileSystem = 2,
    Volume = 3,
}

/// <summary>"DMU_BACKUP_FEATURE_…": a reader that does not know a bit must refuse the stream.</summary>
[Flags]
internal enum StreamFeatures : ulong
{
    None = 0,
    Dedup = 1 << 0,
    DedupProps = 1 << 1,
    SaSpill = 1 << 2,
    EmbedData = 1 << 16,
    Lz4 = 1 << 17,
    LargeBlocks = 1 << 19,
    Resuming = 1 << 20,
    Redacted = 1 << 21,
    Compressed = 1 << 22,
    LargeDnode = 1 << 23,
    Raw = 1 << 24,
    Zstd = 1 << 25,
    Holds = 1 << 26,
    SwitchToLargeBlocks = 1 << 27,
    LongName = 1 << 28,
    LargeMicroZap = 1 << 29,

    /// <summary>Those that a replay of a volume carries out, or that can't matter to a volume.</summary>
    Replayed = SaSpill | EmbedData | Lz4 | LargeBlocks | Compressed | LargeDnode | Zstd | Holds | SwitchToLargeBlocks | LongName | LargeMicroZap,
}
