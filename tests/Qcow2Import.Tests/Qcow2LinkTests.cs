using EveStorage.Qcow2Import;

namespace EveStorage.Tests;

/// <summary>What an image says of other files, in its header and behind it.</summary>
public sealed class Qcow2LinkTests
{
    private const int Cluster = MemoryImage.ClusterSize;

    [Fact]
    public async Task A_backing_file_is_told_by_name_and_format_and_never_opened()
    {
        MemoryImage image = Backed("base.raw", "raw");

        await using IImageReader reader = await new Qcow2Format().OpenLinkedAsync(image, default);

        reader.ShouldBeAssignableTo<ILinkedImageReader>()!.Links.ShouldBe([new(ImageLinkKind.Backing, "base.raw", "raw")]);
        reader.Details["backing file"].ShouldBe("base.raw");
    }

    [Fact]
    public async Task Who_asks_for_an_image_without_links_gets_none_that_has_some()
        => (await RefusalAsync(Backed("base.raw", "raw"), linked: false)).ShouldBe((StorageErrorKind.NotSupported, "needs a backing file: flatten it with `qemu-img convert` where that file is"));

    [Fact]
    public async Task The_name_of_a_data_file_without_its_feature_means_nothing()
    {
        MemoryImage image = new();
        Extend(image, 104, 0x44415441, "/etc/shadow");

        await using IImageReader reader = await new Qcow2Format().OpenAsync(image, default);

        reader.ShouldBeAssignableTo<ILinkedImageReader>()!.Links.ShouldBeEmpty();
    }

    [Fact]
    public async Task Data_in_another_file_lies_where_it_is_on_the_disk()
    {
        MemoryImage image = InDataFile();
        image.U64(2 * Cluster, 1UL << 63);

        await using IImageReader reader = await new Qcow2Format().OpenLinkedAsync(image, default);

        reader.ShouldBeAssignableTo<ILinkedImageReader>()!.Links.ShouldBe([new(ImageLinkKind.Data, "data.raw", null)]);
        ImageExtent extent = await reader.ReadExtentsAsync(default).SingleAsync(TestContext.Current.CancellationToken);
        extent.ShouldBe(new(0, Cluster, ExtentKind.Data, 0, Cluster, ExtentEncoding.Plain));
        image.U64(2 * Cluster, Cluster);
        (await RefusalAsync(image)).Message.ShouldBe("has the data of 0 at 65536 of its data file");
        image.U64(2 * Cluster, (1UL << 62) | 200000);
        (await RefusalAsync(image)).Message.ShouldBe("has a compressed cluster, and its data in another file");
    }

    [Fact]
    public async Task An_extension_stays_within_its_place_and_comes_once()
    {
        MemoryImage image = new();
        Extend(image, 104, 0x12345678, "unknown");
        image.U32(108, Cluster);
        (await RefusalAsync(image)).ShouldBe((StorageErrorKind.Corrupt, "has a header extension 0x12345678 of 65536 bytes, longer than its place"));

        image.U32(108, 8);
        Extend(image, 120, 0x12345678, "again");

        (await RefusalAsync(image)).ShouldBe((StorageErrorKind.Corrupt, "has a header extension 0x12345678 twice"));
    }

    [Fact]
    public async Task An_unknown_feature_is_refused_by_the_name_that_the_image_has_for_it()
    {
        MemoryImage image = new();
        image.U32(76, 1 << 5);
        Extend(image, 104, 0x6803f857, "\0\u0005time travel" + new string('\0', 35));

        (await RefusalAsync(image)).ShouldBe((StorageErrorKind.NotSupported, "needs the unknown incompatible features 0x20 (time travel)"));
    }

    [Theory]
    [InlineData("with\0nul")]
    [InlineData("with\nline")]
    public async Task A_name_that_holds_control_characters_is_corrupt(string name)
        => (await RefusalAsync(Backed(name, "raw"))).Kind.ShouldBe(StorageErrorKind.Corrupt);

    private static MemoryImage Backed(string name, string format)
    {
        MemoryImage image = new();
        Extend(image, 104, 0xe2792aca, format);
        image.U64(8, 512);
        image.U32(16, (uint)name.Length);
        image.Text(512, name);
        return image;
    }

    private static MemoryImage InDataFile()
    {
        MemoryImage image = new();
        image.U32(76, 4);
        Extend(image, 104, 0x44415441, "data.raw");
        return image;
    }

    private static void Extend(MemoryImage image, int at, uint type, string content)
    {
        image.U32(at, type);
        image.U32(at + 4, (uint)content.Length);
        image.Text(at + 8, content);
    }

    private static async Task<(StorageErrorKind Kind, string Message)> RefusalAsync(MemoryImage image, bool linked = true)
    {
        Qcow2Format format = new();
        StorageException refused = await Should.ThrowAsync<StorageException>(async () =>
        {
            await using IImageReader reader = await (linked ? format.OpenLinkedAsync(image, default) : format.OpenAsync(image, default));
            await foreach (ImageExtent _ in reader.ReadExtentsAsync(default))
            {
            }
        });
        return (refused.Kind, refused.Message[(refused.Subject.Length + 2)..]);
    }
}
