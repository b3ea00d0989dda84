using EveStorage.Host.Worker;

namespace EveStorage.Tests;

/// <summary>Which pieces of a disk are read and written as one.</summary>
public sealed class CopyTaskTests
{
    private const int Cluster = 64 << 10;

    [Fact]
    public void Encoded_clusters_that_go_on_from_one_another_are_one_up_to_a_length()
    {
        CopyTask task = new(Encoded(0, at: 1000));

        int added = Enumerable.Range(1, 100).TakeWhile(number => task.TryAdd(Encoded(number, at: 1000 + (number * 20_000)))).Count();

        (added + 1).ShouldBe(CopyTask.MostDecoded / Cluster);
        task.Length.ShouldBe(CopyTask.MostDecoded);
        (task.SourceStart, task.SourceEnd).ShouldBe((1000, 1000 + (added * 20_000) + 20_480));
    }

    [Fact]
    public void They_may_lie_in_any_order_in_the_image()
    {
        CopyTask task = new(Encoded(0, at: 90_000));

        task.TryAdd(Encoded(1, at: 10_000)).ShouldBeTrue();

        (task.SourceStart, task.SourceEnd).ShouldBe((10_000, 110_480));
    }

    [Fact]
    public void What_lies_far_away_or_not_behind_or_in_another_image_or_is_plain_or_a_part_is_not_added()
    {
        CopyTask task = new(Encoded(0, at: 1000));
        DiskPiece next = Encoded(1, at: 20_000);

        task.TryAdd(Encoded(1, at: 100L << 20)).ShouldBeFalse();
        task.TryAdd(Encoded(2, at: 20_000)).ShouldBeFalse();
        task.TryAdd(next with { Layer = 1 }).ShouldBeFalse();
        task.TryAdd(next with { Extent = next.Extent with { Encoding = ExtentEncoding.Plain } }).ShouldBeFalse();
        task.TryAdd(next with { Length = 512 }).ShouldBeFalse();

        task.Pieces.Count.ShouldBe(1);
        task.TryAdd(next).ShouldBeTrue();
    }

    private static DiskPiece Encoded(int number, long at)
    {
        ImageExtent extent = new(number * Cluster, Cluster, ExtentKind.Data, at, 20_480, ExtentEncoding.Deflate);
        return new(0, extent, extent.GuestOffset, extent.Length);
    }
}
