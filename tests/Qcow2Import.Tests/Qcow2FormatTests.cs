using CsCheck;
using EveStorage.Qcow2Import;

namespace EveStorage.Tests;

[Collection(MemoryIsCounted.Name)]
public sealed class Qcow2FormatTests
{
    [Fact]
    public async Task A_sound_image_reads_as_its_data()
        => (await ReadAsync(new MemoryImage())).ShouldBe(MemoryImage.ClusterSize);

    [Fact]
    public async Task The_four_million_extents_of_one_table_are_never_held_together()
    {
        // 2 MiB clusters with subclusters: each of the 131072 entries of the one table has every other part zero.
        const int Cluster = 2 << 20;
        const int Entries = Cluster / 16;
        MemoryImage image = new() { Bytes = new byte[3 * Cluster] };
        image.U32(0, 0x514649fb);
        image.U32(4, 3);
        image.U32(20, 21);
        image.U64(24, (ulong)Entries * Cluster);
        image.U32(36, 1);
        image.U64(40, Cluster);
        image.U64(72, 16);
        image.U32(100, 104);
        image.U64(Cluster, 2 * Cluster);
        for (int entry = 0; entry < Entries; entry++)
        {
            image.U64((2 * Cluster) + (entry * 16) + 8, 0x5555_5555_0000_0000);
        }

        await using IImageReader reader = await new Qcow2Format().OpenAsync(image, default);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        long most = 0;
        int extents = 0;
        await foreach (ImageExtent _ in reader.ReadExtentsAsync(default))
        {
            if (extents++ % (1 << 20) == 0)
            {
                most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
            }
        }

        extents.ShouldBe(Entries * 32);
        most.ShouldBeLessThan(16 << 20);
    }

    [Theory]
    [InlineData(4, 4, StorageErrorKind.NotSupported, "qcow2 version 4")]
    [InlineData(12, 512, StorageErrorKind.Corrupt, "a backing file outside of its first cluster")]
    [InlineData(60, 1, StorageErrorKind.Corrupt, "impossible table of snapshots")]
    [InlineData(60, 65537, StorageErrorKind.Corrupt, "impossible table of snapshots")]
    [InlineData(92, 2, StorageErrorKind.Corrupt, "keeps no data in another file")]
    [InlineData(96, 7, StorageErrorKind.Corrupt, "impossible refcount table")]
    [InlineData(32, 1, StorageErrorKind.NotSupported, "encrypted")]
    [InlineData(32, 2, StorageErrorKind.NotSupported, "encrypted")]
    [InlineData(76, 2, StorageErrorKind.Corrupt, "marked corrupt")]
    [InlineData(76, 4, StorageErrorKind.Corrupt, "in another file, and names none")]
    [InlineData(76, 32, StorageErrorKind.NotSupported, "unknown incompatible features 0x20")]
    [InlineData(76, 8, StorageErrorKind.Corrupt, "two things of its compression")]
    [InlineData(20, 8, StorageErrorKind.Corrupt, "clusters of 2^8")]
    [InlineData(20, 22, StorageErrorKind.Corrupt, "clusters of 2^22")]
    [InlineData(24, 0x7fffffff, StorageErrorKind.Corrupt, "a disk of")]
    [InlineData(36, 0x00400001, StorageErrorKind.Corrupt, "impossible L1 table")]
    [InlineData(36, 0x00400000, StorageErrorKind.Corrupt, "L1 table outside")]
    [InlineData(44, 65544, StorageErrorKind.Corrupt, "impossible L1 table")]
    [InlineData(44, 0x10000000, StorageErrorKind.Corrupt, "L1 table outside")]
    [InlineData(100, 108, StorageErrorKind.Corrupt, "a header of 108 bytes")]
    [InlineData(100, 65544, StorageErrorKind.Corrupt, "longer than a cluster")]
    [InlineData(56, 129, StorageErrorKind.Corrupt, "impossible refcount table")]
    [InlineData(65540, 0x20001, StorageErrorKind.Corrupt, "bits in an L1 entry")]
    [InlineData(131076, 0x30002, StorageErrorKind.Corrupt, "bits in an L2 entry")]
    [InlineData(65540, 0x10000000, StorageErrorKind.Corrupt, "an L2 table at")]
    [InlineData(65540, 65536, StorageErrorKind.Corrupt, "twice")]
    [InlineData(131076, 0x10000000, StorageErrorKind.Corrupt, "a cluster at")]
    [InlineData(131076, 131072, StorageErrorKind.Corrupt, "twice")]
    [InlineData(131076, 512, StorageErrorKind.Corrupt, "between clusters")]
    public async Task What_is_not_read_is_refused_by_kind_subject_and_sentence(int at, uint value, StorageErrorKind kind, string sentence)
    {
        MemoryImage image = new();
        image.U32(at, value);

        StorageException refused = await Should.ThrowAsync<StorageException>(() => ReadAsync(image));

        refused.Kind.ShouldBe(kind);
        refused.Subject.ShouldBe("disk.qcow2");
        refused.Message.ShouldContain(sentence);
    }

    [Fact]
    public async Task A_dirty_image_is_read_since_its_reference_counts_are_not()
    {
        MemoryImage image = new();
        image.U32(76, 1);

        (await ReadAsync(image)).ShouldBe(MemoryImage.ClusterSize);
    }

    [Fact]
    public async Task A_zero_cluster_in_version_2_is_corrupt_as_it_is_for_QEMU()
    {
        MemoryImage image = new();
        image.U32(4, 2);
        (await ReadAsync(image)).ShouldBe(MemoryImage.ClusterSize);
        image.U64(2 * MemoryImage.ClusterSize, 1);

        (await Should.ThrowAsync<StorageException>(() => ReadAsync(image))).Message.ShouldContain("version 2 has no meaning for");
    }

    [Fact]
    public async Task Data_in_the_refcount_table_is_corrupt()
    {
        MemoryImage image = new();
        image.U64(48, 3 * MemoryImage.ClusterSize);
        image.U32(56, 1);

        (await Should.ThrowAsync<StorageException>(() => ReadAsync(image))).Message.ShouldContain("twice");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_compressed_cluster_in_the_header_or_a_table_is_corrupt(int cluster)
    {
        MemoryImage image = new();
        image.U64(2 * MemoryImage.ClusterSize, (1UL << 62) | (((ulong)cluster * MemoryImage.ClusterSize) + 256));

        (await Should.ThrowAsync<StorageException>(() => ReadAsync(image))).Message.ShouldContain("within something else");
    }

    [Fact]
    public async Task The_files_last_cluster_may_be_cut_short_and_no_table_may()
    {
        MemoryImage image = new();
        image.Bytes = image.Bytes[..^1000];
        (await ReadAsync(image)).ShouldBe(MemoryImage.ClusterSize);
        image.Bytes = image.Bytes[..(3 * MemoryImage.ClusterSize)];
        (await Should.ThrowAsync<StorageException>(() => ReadAsync(image))).Message.ShouldContain("a cluster at");
        image.Bytes = image.Bytes[..^1];

        (await Should.ThrowAsync<StorageException>(() => ReadAsync(image))).Message.ShouldContain("an L2 table at");
    }

    [Fact]
    public async Task A_compressed_cluster_that_decodes_to_less_is_corrupt()
    {
        MemoryImage image = new();
        image.U64(2 * MemoryImage.ClusterSize, (1UL << 62) | (3 * MemoryImage.ClusterSize));
        new byte[] { 3, 0 }.CopyTo(image.Bytes, 3 * MemoryImage.ClusterSize); // a last block of nothing

        (await Should.ThrowAsync<StorageException>(() => ReadAsync(image))).Kind.ShouldBe(StorageErrorKind.Corrupt);
    }

    [Fact]
    public void Damage_anywhere_ends_in_an_answer_or_a_storage_exception()
        => Gen.Select(Gen.OneOf(Gen.Int[0, 111], Gen.Int[65536, 65543], Gen.Int[131072, 131087]), Gen.Byte).Array[1, 6]
            .Sample(damage => Survives(damage, canSeek: true) && Survives(damage, canSeek: false), iter: 3000);

    [Fact]
    public void A_cut_anywhere_ends_in_an_answer_or_a_storage_exception()
        => Gen.Int[0, 4 * MemoryImage.ClusterSize].Sample(
            length =>
            {
                MemoryImage image = new();
                image.Bytes = image.Bytes[..length];
                return ReadsOrRefuses(image);
            },
            iter: 500);

    private static bool Survives((int At, byte Value)[] damage, bool canSeek)
    {
        MemoryImage image = new() { CanSeek = canSeek };
        foreach ((int at, byte value) in damage)
        {
            image.Bytes[at] = value;
        }

        return ReadsOrRefuses(image);
    }

    private static bool ReadsOrRefuses(MemoryImage image)
    {
        try
        {
            return ReadAsync(image).GetAwaiter().GetResult() >= 0;
        }
        catch (StorageException)
        {
            return true;
        }
    }

    // Reads every data extent as the host does, and gives back how much the disk has of it.
    private static async Task<long> ReadAsync(MemoryImage image)
    {
        await using IImageReader reader = await new Qcow2Format().OpenAsync(image, CancellationToken.None);
        long data = 0;
        long extents = 0;
        await foreach (ImageExtent extent in reader.ReadExtentsAsync(CancellationToken.None))
        {
            if (extent.Kind == ExtentKind.Data)
            {
                byte[] source = new byte[extent.SourceLength];
                int read = await image.ReadAsync(extent.SourceOffset, source, CancellationToken.None);
                reader.Decode(extent, source.AsSpan(0, read), new byte[extent.Length]);
                data += extent.Length;
            }

            extents++.ShouldBeLessThan(1 << 22);
        }

        return data;
    }
}
