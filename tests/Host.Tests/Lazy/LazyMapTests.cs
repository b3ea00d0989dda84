using EveStorage.Host.Lazy;

namespace EveStorage.Tests;

public sealed class LazyMapTests
{
    private const int Granule = 4096;

    [Theory]
    [InlineData(Granule)]
    [InlineData(512)]
    [InlineData((70 * Granule) + 512)]
    [InlineData(200L << 20)]
    [InlineData((300L << 20) + 1536)]
    public void It_says_of_each_granule_what_was_added_and_keeps_that_in_its_pages(long size)
    {
        Random random = new(11);
        LazyMap map = new(new(size), Granule, default);
        LazyMap stored = new(new(size), Granule, default);
        bool[] own = new bool[(size + Granule - 1) / Granule];
        for (int act = 0; act < 200; act++)
        {
            int first = random.Next(own.Length);
            int count = random.Next(1, Math.Min(own.Length - first, random.Next(2) == 0 ? 8 : 40000) + 1);
            map.Add((long)first * Granule, Math.Min((long)count * Granule, size - ((long)first * Granule)));
            own.AsSpan(first, count).Fill(true);
            (_, List<(int Page, byte[] Bytes)> pages) = map.TakeChanged();
            pages.ForEach(page => stored.Put(page.Page, page.Bytes));

            RequireSame(map, own, size, random);
            RequireSame(stored, own, size, random);
        }

        map.Copied = size;
        map.NextMissing(0, size).ShouldBeNull();
        map.Has(0, size).ShouldBeTrue();
    }

    [Fact]
    public void A_map_of_any_disk_takes_32_MiB_at_most()
    {
        foreach (ByteSize size in new ByteSize[] { new(512), ByteSize.GiB(1), ByteSize.GiB(1024), new(ByteSize.GiB(1024).Bytes + 512), ByteSize.GiB(500_000) })
        {
            int granule = LazyMap.GranuleFor(size);

            ((long)LazyMap.CountPages(size, granule) * LazyMap.PageLength).ShouldBeLessThanOrEqualTo((32 << 20) + LazyMap.PageLength);
            ((long)LazyMap.CountPages(size, granule) * LazyMap.PageLength * 8 * granule).ShouldBeGreaterThanOrEqualTo(size.Bytes);
        }
    }

    private static void RequireSame(LazyMap map, bool[] own, long size, Random random)
    {
        long from = random.NextInt64(size / 512) * 512;
        int first = Array.FindIndex(own, (int)(from / Granule), static its => !its);
        int last = first < 0 ? -1 : Array.FindIndex(own, first, static its => its);

        DiskPart? missing = map.NextMissing(from, size);

        missing.ShouldBe(first < 0 ? null : new DiskPart((long)first * Granule, Math.Min(size, last < 0 ? size : (long)last * Granule) - ((long)first * Granule)));
    }
}
