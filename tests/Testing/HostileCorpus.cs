using static EveStorage.Testing.ImageMutant;

namespace EveStorage.Testing;

/// <summary>Hostile images, one for each way in which a qcow2 has hurt somebody or could.</summary>
public static class HostileCorpus
{
    private const uint DataFile = 0x44415441;
    private const uint BackingFormat = 0xe2792aca;
    private const uint Bitmaps = 0x23852875;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<HostileImage> All { get; } = [.. Headers(), .. Features(), .. Names(), .. Extensions(), .. Tables(), .. Subclusters(), .. CompressedClusters(), .. Snapshots()];

    private static HostileImage Corrupt(string name, ImageMutant image, string sentence) => new(name, image.Bytes, StorageErrorKind.Corrupt, sentence);

    private static HostileImage NotSupported(string name, ImageMutant image, string sentence) => new(name, image.Bytes, StorageErrorKind.NotSupported, sentence);

    private static IEnumerable<HostileImage> Headers()
        =>
        [
            Corrupt("another magic", new ImageMutant().U32(0, 0x51464900), "is not a qcow2 image"),
            NotSupported("version 1", new ImageMutant().U32(4, 1), "qcow2 version 1"),
            NotSupported("version 4", new ImageMutant().U32(4, 4), "qcow2 version 4"),
            Corrupt("cut in a version 2 header", new ImageMutant().Cut(71), "shorter than a qcow2 header"),
            Corrupt("cut in a version 3 header", new ImageMutant().Cut(100), "ends within its header"),
            Corrupt("clusters of 2^8", new ImageMutant().U32(20, 8), "clusters of 2^8"),
            Corrupt("clusters of 2^22", new ImageMutant().U32(20, 22), "clusters of 2^22"),
            Corrupt("clusters that overflow a shift", new ImageMutant().U32(20, 0xFFFFFFFF), "clusters of 2^4294967295"),
            Corrupt("a disk of 2^63", new ImageMutant().U64(24, 1UL << 63), "a disk of 9223372036854775808"),
            Corrupt("a disk larger than its tables", new ImageMutant().U64(24, 1UL << 40), "has an L1 table for 536870912 bytes"),
            NotSupported("AES", new ImageMutant().U32(32, 1), "is encrypted"),
            NotSupported("LUKS", new ImageMutant().U32(32, 2), "is encrypted"),
            NotSupported("an unknown encryption", new ImageMutant().U32(32, 3), "is encrypted"),
            Corrupt("an L1 table of 32 GiB", new ImageMutant().U32(36, 0xFFFFFFFF), "impossible L1 table"),
            Corrupt("an L1 table between clusters", new ImageMutant().U64(40, L1 + 8), "impossible L1 table"),
            Corrupt("an L1 table beyond the end", new ImageMutant().U64(40, 1UL << 40), "L1 table outside of the file"),
            Corrupt("an L1 table that wraps around", new ImageMutant().U64(40, 0xFFFFFFFFFFFF0000), "impossible L1 table"),
            Corrupt("an L1 table in the header", new ImageMutant().U64(40, 0), "L1 table outside of the file"),
            Corrupt("an L1 table that ends beyond the end", new ImageMutant().U32(36, 0x00400000), "L1 table outside of the file"),
            Corrupt("a refcount table between clusters", new ImageMutant().U64(48, 512), "impossible refcount table"),
            Corrupt("a refcount table of 256 TiB", new ImageMutant().U32(56, 0xFFFFFFFF), "impossible refcount table"),
            Corrupt("a refcount table that wraps around", new ImageMutant().U64(48, 0xFFFFFFFFFFFF0000), "impossible refcount table"),
            Corrupt("a refcount table over the data", new ImageMutant().U64(48, Data), "twice"),
            Corrupt("a refcount table over the L1 table", new ImageMutant().U64(48, L1), "twice"),
            Corrupt("refcounts of 128 bits", new ImageMutant().U32(96, 7), "impossible refcount table"),
        ];

    private static IEnumerable<HostileImage> Features()
        =>
        [
            Corrupt("the corrupt bit", new ImageMutant().U32(76, 2), "is marked corrupt"),
            NotSupported("an unknown feature", new ImageMutant().U32(76, 0x20), "unknown incompatible features 0x20"),
            NotSupported("the last of all features", new ImageMutant().U64(72, 1UL << 63), "unknown incompatible features 0x8000000000000000"),
            Corrupt("compression without a kind", new ImageMutant().U32(76, 8), "two things of its compression"),
            Corrupt("a kind without compression", new ImageMutant().U32(100, 112).Put(104, 1), "two things of its compression"),
            NotSupported("an unknown compression", new ImageMutant().U32(76, 8).U32(100, 112).Put(104, 2), "compressed with method 2"),
            Corrupt("subclusters of 16 bytes", new ImageMutant().Small().U32(76, 16), "subclusters in clusters of 2^9"),
            Corrupt("a header of 103 bytes", new ImageMutant().U32(100, 103), "a header of 103 bytes"),
            Corrupt("a header of 2 GiB", new ImageMutant().U32(100, 0x80000000), "longer than a cluster"),
            Corrupt("a header longer than its cluster", new ImageMutant().Small().U32(100, 520), "longer than a cluster"),
            Corrupt("a raw data file that is none", new ImageMutant().U32(92, 2), "keeps no data in another file"),
            Corrupt("a data file without a name", new ImageMutant().U32(76, 4), "names none"),
            NotSupported("a data file", new ImageMutant().U32(76, 4).Extension(104, DataFile, "/etc/shadow"), "keeps its data in another file"),
            NotSupported("a data file by JSON", new ImageMutant().U32(76, 4).Extension(104, DataFile, "json:{\"driver\":\"file\",\"filename\":\"/etc/shadow\"}"), "keeps its data in another file"),
            Corrupt("a raw data file and a backing file", new ImageMutant().U32(76, 4).U32(92, 2).Extension(104, DataFile, "x").Backing("y"), "exclude each other"),
        ];

    private static IEnumerable<HostileImage> Names()
        =>
        [
            NotSupported("a backing file", new ImageMutant().Backing("/etc/passwd").Extension(104, BackingFormat, "raw"), "needs a backing file"),
            NotSupported("a backing file by JSON", new ImageMutant().Backing("json:{\"driver\":\"nbd\"}").Extension(104, BackingFormat, "raw"), "needs a backing file"),
            NotSupported("a backing file that is itself", new ImageMutant().Backing("disk.img").Extension(104, BackingFormat, "qcow2"), "needs a backing file"),
            Corrupt("a backing name in the header", new ImageMutant().Backing("x", at: 80), "outside of its first cluster"),
            Corrupt("a backing name beyond the cluster", new ImageMutant().Backing("x").U64(8, Cluster - 1).U32(16, 2), "outside of its first cluster"),
            Corrupt("a backing name that wraps around", new ImageMutant().Backing("x").U64(8, ulong.MaxValue), "outside of its first cluster"),
            Corrupt("a backing name of no length", new ImageMutant().Backing("x", length: 0), "outside of its first cluster"),
            Corrupt("a backing name of 1024 bytes", new ImageMutant().Backing("x", length: 1024), "outside of its first cluster"),
            Corrupt("a backing name longer than its cluster", new ImageMutant().Small().U64(8, 0xFFFFFF00).U32(16, 600), "outside of its first cluster"),
            Corrupt("a backing name with a NUL", new ImageMutant().Backing("a\0b"), "no name of a backing file"),
            Corrupt("a backing name that is no text", new ImageMutant().Backing("\u00FF\u00FE"), "whose name is no text"),
        ];

    private static IEnumerable<HostileImage> Extensions()
        =>
        [
            Corrupt("an extension of 4 GiB", new ImageMutant().Extension(104, 1, "", 0xFFFFFFFF), "longer than its place"),
            Corrupt("an extension beyond the backing name", new ImageMutant().Backing("x", at: 128).Extension(104, 1, "", 32), "longer than its place"),
            Corrupt("an extension twice", new ImageMutant().Extension(104, 1, "").Extension(112, 1, ""), "twice"),
            Corrupt("65 extensions", Enumerable.Range(0, 65).Aggregate(new ImageMutant(), (image, at) => image.Extension(104 + (at * 8), 0x1000 + (uint)at, "")), "more than 64 header extensions"),
            Corrupt("bitmaps of no length", new ImageMutant().Extension(104, Bitmaps, ""), "a bitmaps extension of 0 bytes"),
            Corrupt("a backing format with a line in it", new ImageMutant().Extension(104, BackingFormat, "ra\nw"), "no name of a backing format"),
        ];

    private static IEnumerable<HostileImage> Tables()
        =>
        [
            Corrupt("reserved bits of L1", new ImageMutant().U64(L1, L2 + 1), "bits in an L1 entry"),
            Corrupt("an L2 table beyond the end", new ImageMutant().U64(L1, 1UL << 40), "an L2 table at"),
            Corrupt("an L2 table between clusters", new ImageMutant().U64(L1, L2 + 512), "between clusters"),
            Corrupt("an L2 table that the end cuts", new ImageMutant().Cut(Data - 1), "an L2 table at"),
            Corrupt("an L2 table that is the L1 table", new ImageMutant().U64(L1, L1), "twice"),
            Corrupt("an L2 table that is the refcount table", new ImageMutant().U64(L1, 5 * Cluster), "twice"),
            Corrupt("one L2 table for two", new ImageMutant().Small().U64(24, 2 * 32768).U32(36, 2).U64(520, 1024), "twice"),
            Corrupt("reserved bits of L2", new ImageMutant().U64(L2, Data + 2), "bits in an L2 entry"),
            Corrupt("a zero cluster of version 2", new ImageMutant().U32(4, 2).U64(L2, 1), "version 2 has no meaning for"),
            Corrupt("data beyond the end", new ImageMutant().U64(L2, 1UL << 50), "outside of the file"),
            Corrupt("data between clusters", new ImageMutant().U64(L2, Data + 512), "between clusters"),
            Corrupt("data in the L1 table", new ImageMutant().U64(L2, L1), "twice"),
            Corrupt("data in its own table", new ImageMutant().U64(L2, L2), "twice"),
            Corrupt("one cluster for two", new ImageMutant().U64(L2 + 8, Data), "twice"),
            Corrupt("a zero cluster that keeps another's", new ImageMutant().U64(L2 + 8, Data | 1), "twice"),
            Corrupt("cut before its data", new ImageMutant().U64(48, 0).U32(56, 0).Cut(Data), "a cluster at 196608"),
        ];

    private static IEnumerable<HostileImage> Subclusters()
        =>
        [
            Corrupt("a subcluster of two kinds", Extended().U64(L2 + 8, 0x0000000100000001), "two things at once"),
            Corrupt("a subcluster without a cluster", Extended().U64(L2, 0).U64(L2 + 8, 1), "two things at once"),
            Corrupt("subclusters of what is compressed", Extended().U64(L2, Compressed | Data).U64(L2 + 8, 1), "a compressed cluster with subclusters"),
            Corrupt("the zero bit of what has subclusters", Extended().U64(L2, Data | 1).U64(L2 + 8, 0), "bits in an L2 entry"),
        ];

    private static IEnumerable<HostileImage> CompressedClusters()
        =>
        [
            Corrupt("compressed bytes beyond the end", new ImageMutant().U64(L2, Compressed | (1UL << 50)), "outside of the file"),
            Corrupt("compressed bytes at nothing", new ImageMutant().U64(L2, Compressed), "outside of the file"),
            Corrupt("compressed bytes in the header", new ImageMutant().U64(L2, Compressed | 512), "within something else"),
            Corrupt("compressed bytes in a table", new ImageMutant().U64(L2, Compressed | (L2 + 100)), "within something else"),
            Corrupt("compressed bytes in data", new ImageMutant().U64(L2 + 8, Compressed | (Data + 100)), "within something else"),
            Corrupt("deflate that is none", Deflated(0xFF, 0xFF, 0xFF), "does not decode"),
            Corrupt("deflate that ends early", Deflated(3, 0), "of 0 bytes instead of 65536"),
            Corrupt("zstd that is none", Zstd(1, 2, 3, 4), "does not decode"),
            Corrupt("zstd that is longer than a cluster", Zstd(0x28, 0xB5, 0x2F, 0xFD, 0xA0, 0, 0, 2, 0, 3, 0, 0x10, 9), "does not decode"),
            Corrupt("zstd with a window of 3 TiB", Zstd(0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xF8, 3, 0, 8, 9), "does not decode"),
            Corrupt("zstd with a dictionary", Zstd(0x28, 0xB5, 0x2F, 0xFD, 0x01, 0x30, 7, 3, 0, 8, 9), "does not decode"),
        ];

    private static IEnumerable<HostileImage> Snapshots()
        =>
        [
            Corrupt("65537 snapshots", new ImageMutant().U32(60, 65537).U64(64, 5 * Cluster), "impossible table of snapshots"),
            Corrupt("snapshots at nothing", new ImageMutant().U32(60, 1), "impossible table of snapshots"),
            Corrupt("snapshots between clusters", new ImageMutant().U32(60, 1).U64(64, 100), "impossible table of snapshots"),
            Corrupt("snapshots beyond the end", new ImageMutant().U32(60, 1).U64(64, 1UL << 40), "ends within its table of snapshots"),
            Corrupt("a snapshot with 2 GiB beside it", new ImageMutant().U32(60, 1).U64(64, 5 * Cluster).U32((5 * Cluster) + 36, 0x80000000), "an impossible snapshot"),
            Corrupt("a snapshot with a table of 32 GiB", new ImageMutant().U32(60, 1).U64(64, 5 * Cluster).U32((5 * Cluster) + 8, 0xFFFFFFFF), "a snapshot with an impossible L1 table"),
            Corrupt("more snapshots than the file has", new ImageMutant().U32(60, 65536).U64(64, 5 * Cluster), "ends within its table of snapshots"),
        ];

    private static ImageMutant Extended() => new ImageMutant().U32(76, 16).U64(L2, Data).U64(L2 + 8, 0xFFFFFFFF).U64(L2 + 16, 0).U64(L2 + 24, 0);

    private static ImageMutant Deflated(params byte[] bytes) => new ImageMutant().U64(L2, Compressed | Data).U64(L2 + 8, 0).Put(Data, bytes);

    private static ImageMutant Zstd(params byte[] bytes) => Deflated(bytes).U32(76, 8).U32(100, 112).Put(104, 1);
}
