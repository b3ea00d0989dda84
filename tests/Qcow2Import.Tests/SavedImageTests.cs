using CsCheck;
using EveStorage.Qcow2Import;

namespace EveStorage.Tests;

public sealed class SavedImageTests
{
    private const int Cluster = 65536;

    // What a cluster may be: nothing, text, bytes that don't compress, some of each.
    private static readonly Gen<byte[]> s_disk =
        from clusters in Gen.Int[1, 70]
        from tail in Gen.Int[0, 127]
        from kinds in Gen.Int[0, 4].Array[clusters]
        select Disk(kinds, tail);

    [Theory]
    [InlineData(null)]
    [InlineData("zlib")]
    [InlineData("zstd")]
    public Task What_is_saved_reads_as_the_volume_and_is_the_same_image_in_a_file_and_through_a_pipe(string? compression)
        => s_disk.SampleAsync(async disk =>
        {
            byte[] file = await new MemoryVolume(disk).SaveAsync(compression, toPipe: false);
            byte[] pipe = await new SparseMemoryVolume(disk).SaveAsync(compression, toPipe: true);

            file.AsSpan().SequenceEqual(pipe).ShouldBeTrue();
            (await ReadAsync(file)).AsSpan().SequenceEqual(disk).ShouldBeTrue();
            file.Length.ShouldBeLessThanOrEqualTo(disk.Length + (8 * Cluster));
        }, iter: 12);

    [Fact]
    public async Task Of_what_is_zero_nothing_is_kept()
    {
        byte[] disk = new byte[64 << 20];
        disk[40 << 20] = 1;

        byte[] image = await new MemoryVolume(disk).SaveAsync(null, toPipe: false);

        image.Length.ShouldBe(6 * Cluster);   // header, two tables, the cluster, counts and their table
    }

    [Fact]
    public async Task A_saved_image_passes_a_pipe_on_its_way_back_in_one_go()
    {
        byte[] disk = Disk([.. Enumerable.Range(0, 100).Select(number => number % 5)], 0);
        MemoryImage image = new() { Bytes = await new MemoryVolume(disk).SaveAsync("zstd", toPipe: true), CanSeek = false };

        await using IImageReader reader = await new Qcow2Format().OpenAsync(image, default);
        List<long> offsets = [];
        await foreach (ImageExtent extent in reader.ReadExtentsAsync(default))
        {
            offsets.AddRange(extent.Kind == ExtentKind.Data ? [extent.SourceOffset] : []);
        }

        offsets.Count.ShouldBeGreaterThan(20);
        offsets.ShouldBe(offsets.Order());
    }

    [Theory]
    [InlineData(7)]
    [InlineData(0)]
    public async Task What_is_written_while_a_stream_is_packed_is_in_it_where_it_fits(byte value)
    {
        byte[] disk = Disk([1, 1, 2, 1], 0);
        MemoryVolume volume = Second(disk, changed => changed.AsSpan(0, Cluster).Fill(value));

        byte[] read = await ReadAsync(await volume.SaveAsync("zlib", toPipe: true));

        read.AsSpan().SequenceEqual(disk).ShouldBeTrue();
        read[100].ShouldBe(value);
    }

    [Fact]
    public async Task A_stream_of_a_volume_that_becomes_harder_to_pack_meanwhile_is_refused_and_a_file_is_not()
    {
        byte[] disk = Disk([1, 1, 1, 1], 0);
        MemoryVolume volume = Second(disk, changed => new Random(3).NextBytes(changed.AsSpan(0, Cluster)));

        StorageException refused = await Should.ThrowAsync<StorageException>(() => volume.SaveAsync("zstd", toPipe: true));

        refused.Kind.ShouldBe(StorageErrorKind.Busy);
        refused.Message.ShouldContain("save a clone of a snapshot");
        (await ReadAsync(await volume.SaveAsync("zstd", toPipe: false))).AsSpan().SequenceEqual(disk).ShouldBeTrue();
    }

    [Fact]
    public async Task A_compression_that_is_none_is_refused_by_name()
    {
        StorageException refused = await Should.ThrowAsync<StorageException>(() => new MemoryVolume(new byte[512]).SaveAsync("lzma", toPipe: false));

        (refused.Kind, refused.Message).ShouldBe((StorageErrorKind.NotSupported, "vm1: can't be compressed by 'lzma' here; there are zlib, zstd"));
    }

    // All of such a disk is one group: the second time that it is read, it has been written to.
    private static MemoryVolume Second(byte[] disk, Action<byte[]> change)
    {
        int reads = 0;
        return new MemoryVolume(disk)
        {
            Reading = _ =>
            {
                if (++reads == 2)
                {
                    change(disk);
                }
            },
        };
    }

    private static byte[] Disk(int[] kinds, int tail)
    {
        byte[] disk = new byte[(kinds.Length * Cluster) - (tail * 512)];
        Random random = new(kinds.Length);
        for (int number = 0; number < kinds.Length; number++)
        {
            Span<byte> cluster = disk.AsSpan(number * Cluster, Math.Min(Cluster, disk.Length - (number * Cluster)));
            int noise = kinds[number] switch { 2 => cluster.Length, 3 => cluster.Length / 2, 4 => cluster.Length - 400, _ => 0 };
            for (int at = noise; at < cluster.Length && kinds[number] > 0; at++)
            {
                cluster[at] = (byte)"a line of text, "[(at + (at / 700)) % 16];
            }

            random.NextBytes(cluster[..noise]);
        }

        return disk;
    }

    private static async Task<byte[]> ReadAsync(byte[] bytes)
    {
        MemoryImage image = new() { Bytes = bytes };
        await using IImageReader reader = await new Qcow2Format().OpenAsync(image, default);
        byte[] disk = new byte[reader.VirtualSize.Bytes];
        await foreach (ImageExtent extent in reader.ReadExtentsAsync(default))
        {
            if (extent.Kind == ExtentKind.Data)
            {
                byte[] source = new byte[extent.SourceLength];
                int read = await image.ReadAsync(extent.SourceOffset, source, default);
                reader.Decode(extent, source.AsSpan(0, read), disk.AsSpan((int)extent.GuestOffset, (int)extent.Length));
            }
        }

        return disk;
    }
}
