using EveStorage.FileSystems;
using EveStorage.Linux;
using EveStorage.Luks;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>What needs all that a root can have, and device-mapper: a guest of the lab runs these.</summary>
public class RealRootTests
{
    private const string InGuest = "runs in a guest of the lab";

    [Fact(Explicit = true)]
    public async Task Ext4_grows_while_it_is_written()
    {
        using Ground ground = new("ext4");
        await ground.MakeAsync();
        using FileStream used = File.Create(Path.Combine(ground.Point, "a"));
        ByteSize before = FileSystem.Of(ground.Point).Size;

        ground.Resize(new(ground.Size.Bytes * 4));
        await Ground.RunAsync(ground.Layer.PlanGrowAsync(ground.Site, default));
        used.Write(new byte[ground.Size.Bytes * 2]);
        used.Flush(flushToDisk: true);
        IReadOnlyList<StorageStep> again = await Ground.RunAsync(ground.Layer.PlanGrowAsync(ground.Site, default));

        FileSystem.Of(ground.Point).Size.Bytes.ShouldBeGreaterThan(before.Bytes * 3, InGuest);
        again.ShouldBeEmpty();
    }

    [Theory(Explicit = true)]
    [InlineData("ext4")]
    [InlineData("xfs")]
    public async Task A_stack_of_encryption_and_a_file_system_is_made_grows_closes_and_opens_as_one(string kind)
    {
        using Ground ground = new(kind);
        LuksLayer luks = new(new() { Cipher = "aes-xts" }, new OneKey());
        LayerSite below = ground.Site with { Name = $"{ground.Site.Name}-luks2", Mount = null, Key = new("key") };
        LayerSite above = ground.Site with { LowerPath = luks.PathOver(below) };
        Plan open = (await luks.PlanOpenAsync(below, default)).Then(await ground.Layer.PlanOpenAsync(above, default));
        Plan close = (await ground.Layer.PlanCloseAsync(above, default)).Then(await luks.PlanCloseAsync(below, default));
        ground.Resize(new(ground.Size.Bytes + luks.Capabilities.Overhead.Bytes));

        await Ground.RunAsync(new((await luks.PlanFormatAsync(below, default)).Then(await luks.PlanOpenAsync(below, default))
            .Then(await ground.Layer.PlanFormatAsync(above, default)).Then(await ground.Layer.PlanOpenAsync(above, default))));
        await File.WriteAllTextAsync(Path.Combine(ground.Point, "a"), "kept secret");
        ground.Resize(new((ground.Size.Bytes * 2) + luks.Capabilities.Overhead.Bytes));
        await Ground.RunAsync(new((await luks.PlanGrowAsync(below, default)).Then(await ground.Layer.PlanGrowAsync(above, default))));
        ByteSize grown = FileSystem.Of(ground.Point).Size;
        await Ground.RunAsync(new(close));
        byte[] image = await File.ReadAllBytesAsync(ground.Image);
        await Ground.RunAsync(new(open));

        (await File.ReadAllTextAsync(Path.Combine(ground.Point, "a"))).ShouldBe("kept secret");
        image.AsSpan().IndexOf("kept secret"u8).ShouldBe(-1);
        grown.Bytes.ShouldBeGreaterThan(ground.Size.Bytes * 3 / 2);
        await Ground.RunAsync(new(close));
        luks.PathOver(below).ShouldSatisfyAllConditions(path => File.Exists(path).ShouldBeFalse());
    }

    private sealed class OneKey : IKeyProvider
    {
        public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken) => new([]);

        public IAsyncEnumerable<KeyName> ListAsync(CancellationToken cancellationToken) => new[] { new KeyName("key") }.ToAsyncEnumerable();

        public ValueTask<KeyMaterial> GetAsync(KeyName name, CancellationToken cancellationToken)
        {
            KeyMaterial key = new(64);
            key.Bytes.Fill(7);
            return new(key);
        }

        public ValueTask<Plan> PlanCreateAsync(KeyName name, int length, CancellationToken cancellationToken) => new(Plan.Of());

        public ValueTask<Plan> PlanDeleteAsync(KeyName name, CancellationToken cancellationToken) => new(Plan.Of());
    }
}
