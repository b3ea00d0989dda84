namespace EveStorage.Qcow2Import;

/// <summary>What an import needs of a qcow2 header. One that exists has been validated.</summary>
internal sealed record Qcow2Header
{
    internal const uint Magic = 0x514649fb; // "QFI" and 0xfb

    // QEMU rounds the size down to sectors, and so do we: an image has the same disk in both.
    private const ulong SectorSize = 512;

    private const ulong RawDataFile = 1 << 1;

    internal required uint Version { get; init; }

    internal required int ClusterBits { get; init; }

    internal required ByteSize VirtualSize { get; init; }

    internal required long L1TableOffset { get; init; }

    internal required int L1Entries { get; init; }

    internal required long RefcountTableOffset { get; init; }

    internal required long RefcountTableLength { get; init; }

    /// <summary>Where the table of snapshots lies.</summary>
    internal required long SnapshotsOffset { get; init; }

    /// <summary>How many snapshots there are.</summary>
    internal required int Snapshots { get; init; }

    /// <summary>Where the name of the backing file lies, in the first cluster; 0 when there is none.</summary>
    internal required int BackingNameOffset { get; init; }

    internal required int BackingNameLength { get; init; }

    /// <summary>Where its extensions begin.</summary>
    internal required int Length { get; init; }

    internal required Qcow2Features Features { get; init; }

    internal required Qcow2Compression Compression { get; init; }

    internal bool ExtendedL2 => Features.HasFlag(Qcow2Features.ExtendedL2);

    /// <summary>Whether the data lies in another file.</summary>
    internal bool HasDataFile => Features.HasFlag(Qcow2Features.ExternalDataFile);

    internal int ClusterSize => 1 << ClusterBits;

    /// <summary>Bytes of an L2 entry.</summary>
    internal int L2EntryLength => ExtendedL2 ? 16 : 8;

    /// <summary>Entries of an L2 table, which is one cluster.</summary>
    internal int L2Entries => ClusterSize / L2EntryLength;

    /// <summary>Bytes of the disk that an L2 table maps.</summary>
    internal long L2Coverage => (long)L2Entries << ClusterBits;

    /// <summary>Reads a header from the first <see cref="Qcow2HeaderView.MaxLength"/> bytes of an image.</summary>
    /// <exception cref="StorageException">Corrupt, or of a version, an encryption or a compression that this importer does not read.</exception>
    internal static Qcow2Header Parse(ReadOnlySpan<byte> head, string subject)
    {
        if (head.Length < Qcow2HeaderView.V2Length)
        {
            throw Corrupt(subject, "is shorter than a qcow2 header");
        }

        Qcow2HeaderView view = new(head);
        if (view.Magic != Magic)
        {
            throw Corrupt(subject, "is not a qcow2 image");
        }

        Qcow2Compression compression = RefuseWhatIsNotRead(view, head.Length, subject);
        Qcow2Features features = view.Version == 3 ? view.IncompatibleFeatures : Qcow2Features.None;
        Qcow2Limits.Check(view, features.HasFlag(Qcow2Features.ExtendedL2), subject);
        return new()
        {
            Version = view.Version,
            ClusterBits = (int)view.ClusterBits,
            VirtualSize = new((long)(view.Size & ~(SectorSize - 1))),
            L1TableOffset = (long)view.L1TableOffset,
            L1Entries = (int)view.L1Size,
            RefcountTableOffset = (long)view.RefcountTableOffset,
            RefcountTableLength = (long)view.RefcountTableClusters << (int)view.ClusterBits,
            SnapshotsOffset = (long)view.SnapshotsOffset,
            Snapshots = (int)view.Snapshots,
            BackingNameOffset = (int)view.BackingFileOffset,
            BackingNameLength = (int)view.BackingFileSize,
            Length = view.Version == 3 ? (int)view.HeaderLength : Qcow2HeaderView.V2Length,
            Features = features,
            Compression = compression,
        };
    }

    /// <summary>Refuses what can only be named once the extensions of the header are read.</summary>
    /// <exception cref="StorageException">It is marked corrupt, or has features that nobody here knows.</exception>
    internal void RequireReadable(Qcow2Extensions extensions, string subject)
    {
        Qcow2Features unreadable = Features & ~Qcow2Features.Readable;
        if (unreadable != 0)
        {
            string[] names = [.. extensions.NamesOf(unreadable)];
            throw unreadable.HasFlag(Qcow2Features.Corrupt) ? Corrupt(subject, "is marked corrupt: repair it with `qemu-img check -r all`")
                : NotSupported(subject, $"needs the unknown incompatible features 0x{(ulong)unreadable:x}{(names.Length > 0 ? $" ({string.Join(", ", names)})" : "")}");
        }

        if (HasDataFile && extensions.DataFileName is null)
        {
            throw Corrupt(subject, "keeps its data in another file, and names none");
        }
    }

    private static Qcow2Compression RefuseWhatIsNotRead(Qcow2HeaderView view, int length, string subject)
    {
        if (view.Version is not (2 or 3))
        {
            throw NotSupported(subject, $"is qcow2 version {view.Version}");
        }

        if (view.CryptMethod != 0)
        {
            throw NotSupported(subject, "is encrypted: decrypt it with `qemu-img convert` where its key is");
        }

        if (view.Version == 2)
        {
            return Qcow2Compression.Deflate;
        }

        if (length < Qcow2HeaderView.MaxLength)
        {
            throw Corrupt(subject, "ends within its header");
        }

        if (view.HeaderLength < Qcow2HeaderView.V3Length || view.HeaderLength % 8 != 0)
        {
            throw Corrupt(subject, $"has a header of {view.HeaderLength} bytes");
        }

        bool inDataFile = view.IncompatibleFeatures.HasFlag(Qcow2Features.ExternalDataFile);
        if ((view.AutoclearFeatures & RawDataFile) != 0 && (!inDataFile || view.BackingFileOffset != 0))
        {
            throw Corrupt(subject, inDataFile ? "has a raw data file and a backing file, which exclude each other" : "has a raw data file and keeps no data in another file");
        }

        Qcow2Compression compression = view.HeaderLength > Qcow2HeaderView.V3Length ? view.CompressionType : Qcow2Compression.Deflate;
        if (!Enum.IsDefined(compression))
        {
            throw NotSupported(subject, $"is compressed with method {(byte)compression}");
        }

        // The bit is set if and only if the type is not deflate.
        return view.IncompatibleFeatures.HasFlag(Qcow2Features.CompressionType) == (compression != Qcow2Compression.Deflate)
            ? compression
            : throw Corrupt(subject, "says two things of its compression");
    }

    private static StorageException Corrupt(string subject, string message) => new(StorageErrorKind.Corrupt, subject, message);

    private static StorageException NotSupported(string subject, string message) => new(StorageErrorKind.NotSupported, subject, message);
}
