using EveStorage.ZfsStreamImport;

namespace EveStorage.Tests;

/// <summary>What a reader keeps. The process has one heap, so nothing else runs beside it.</summary>
[Collection(Alone)]
public sealed class MemoryTests
{
    private const string Alone = "alone";

    [Fact]
    public async Task Two_hundred_thousand_records_are_never_held_together()
    {
        const int Records = 200_000;
        byte[] stream = StreamBuilder.Volume(1, 0, Records * 1024UL, builder =>
        {
            for (long i = 0; i < Records; i++)
            {
                builder.Embedded(i * 1024, 512, [1, 2, 3, 4], 2, 4);
            }
        });
        await using IImageReader reader = await new ZfsStreamFormat().OpenAsync(new MemorySource(stream), default);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        long most = 0;
        int extents = 0;
        await foreach (ImageExtent _ in reader.ReadExtentsAsync(default))
        {
            if (extents++ % 50_000 == 0)
            {
                most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
            }
        }

        extents.ShouldBe(2 * Records);
        most.ShouldBeLessThan(4 << 20);
    }

    [CollectionDefinition(Alone, DisableParallelization = true)]
    public sealed class OnItsOwn;
}
