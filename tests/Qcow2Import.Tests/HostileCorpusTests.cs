using EveStorage.Qcow2Import;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The hostile corpus against the parser itself, where what it allocates can be counted.</summary>
[Collection(MemoryIsCounted.Name)]
public sealed class HostileCorpusTests
{
    // The tables of an image and the map of its clusters, and an L1 table as bytes and as numbers.
    private const long MostAllocated = (64 + 2 * 32) << 20;

    /// <summary>The images by their names, which say what is wrong with each.</summary>
    public static TheoryData<string> Names => [.. HostileCorpus.All.Select(image => image.Name)];

    [Fact]
    public void There_are_many_and_each_has_a_name_of_its_own()
    {
        HostileCorpus.All.Count.ShouldBeGreaterThanOrEqualTo(60);
        HostileCorpus.All.Select(image => image.Name).ShouldBeUnique();
    }

    [Fact]
    public async Task The_image_that_they_are_made_of_is_sound()
        => await ReadAsync(new ImageMutant().Bytes, linked: true);

    [Theory]
    [MemberData(nameof(Names))]
    public async Task It_is_refused_by_kind_and_sentence_and_within_bounds(string name)
    {
        HostileImage image = HostileCorpus.All.Single(known => known.Name == name);
        long before = GC.GetTotalAllocatedBytes(precise: true);

        StorageException refused = await Should.ThrowAsync<StorageException>(() => ReadAsync(image.Bytes, linked: false));

        refused.Kind.ShouldBe(image.Kind, refused.Message);
        refused.Message.ShouldContain(image.Sentence);
        (GC.GetTotalAllocatedBytes(precise: true) - before).ShouldBeLessThan(MostAllocated);
    }

    private static async Task ReadAsync(byte[] bytes, bool linked)
    {
        MemoryImage image = new() { Bytes = bytes };
        await using IImageReader reader = linked ? await new Qcow2Format().OpenLinkedAsync(image, default) : await new Qcow2Format().OpenAsync(image, default);
        await reader.ShouldBeAssignableTo<ISnapshotImageReader>()!.ListSnapshotsAsync(default);
        await foreach (ImageExtent extent in reader.ReadExtentsAsync(default))
        {
            if (extent.Kind == ExtentKind.Data)
            {
                byte[] source = new byte[extent.SourceLength];
                int read = await image.ReadAsync(extent.SourceOffset, source, default);
                reader.Decode(extent, source.AsSpan(0, read), new byte[extent.Length]);
            }
        }
    }
}
