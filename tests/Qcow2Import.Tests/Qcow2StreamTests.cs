using EveStorage.Qcow2Import;

namespace EveStorage.Tests;

/// <summary>An image that comes as a stream, each byte of it once.</summary>
public sealed class Qcow2StreamTests
{
    private const int Cluster = MemoryImage.ClusterSize;

    [Fact]
    public async Task Tables_that_come_first_let_it_pass_in_one_go()
    {
        MemoryImage image = new() { CanSeek = false };

        (await ExtentsAsync(image)).ShouldBe([new(0, Cluster, ExtentKind.Data, 3 * Cluster, Cluster, ExtentEncoding.Plain)]);
    }

    [Fact]
    public async Task Its_extents_come_in_the_order_of_the_file()
    {
        MemoryImage image = Two();
        image.U64(2 * Cluster, 4 * Cluster);
        image.U64((2 * Cluster) + 8, 3 * Cluster);

        (await ExtentsAsync(image)).Select(extent => extent.GuestOffset).ShouldBe([Cluster, 0]);
    }

    [Fact]
    public async Task Data_before_its_table_needs_a_source_that_kept_it()
    {
        MemoryImage image = Two();
        image.U64(Cluster, 3 * Cluster);                // the table lies third
        image.U64(3 * Cluster, 2 * Cluster);            // and what it maps second
        image.U64((3 * Cluster) + 8, 4 * Cluster);

        StorageException refused = await Should.ThrowAsync<StorageException>(() => ExtentsAsync(image));

        refused.Kind.ShouldBe(StorageErrorKind.NotSupported);
        refused.Message.ShouldContain("has passed");
        image = new MemoryImage { Bytes = image.Bytes, HasLength = false };
        (await ExtentsAsync(image)).Select(extent => extent.GuestOffset).ShouldBe([0, Cluster]);
    }

    [Fact]
    public async Task One_that_ends_before_its_data_was_cut()
    {
        MemoryImage image = new() { CanSeek = false };
        await using IImageReader reader = await new Qcow2Format().OpenAsync(image, default);
        ImageExtent twoClusters = new(0, 2 * Cluster, ExtentKind.Data, 2 * Cluster, 2 * Cluster, ExtentEncoding.Plain);

        reader.Decode(twoClusters, new byte[Cluster + 1], new byte[2 * Cluster]);   // only its last cluster is cut
        foreach (int read in (int[])[0, 1, Cluster])
        {
            Should.Throw<StorageException>(() => reader.Decode(twoClusters, new byte[read], new byte[2 * Cluster])).Message.ShouldContain("was cut short");
        }
    }

    private static MemoryImage Two()
    {
        MemoryImage image = new() { Bytes = new byte[5 * Cluster], CanSeek = false };
        new MemoryImage().Bytes.AsSpan(0, 2 * Cluster).CopyTo(image.Bytes);
        image.U64(24, 2 * Cluster);
        return image;
    }

    private static async Task<List<ImageExtent>> ExtentsAsync(MemoryImage image)
    {
        await using IImageReader reader = await new Qcow2Format().OpenAsync(image, TestContext.Current.CancellationToken);
        List<ImageExtent> extents = [];
        await foreach (ImageExtent extent in reader.ReadExtentsAsync(TestContext.Current.CancellationToken))
        {
            await image.ReadAsync(extent.SourceOffset, new byte[extent.SourceLength], TestContext.Current.CancellationToken);
            extents.Add(extent);
        }

        return extents;
    }
}
