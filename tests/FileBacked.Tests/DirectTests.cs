using EveStorage.FileBacked;
using EveStorage.Linux;

namespace EveStorage.Tests;

/// <summary>Volumes past the page cache, on a file system that has nothing of its own to keep in it.</summary>
public sealed class DirectTests(Ext4 ext4) : IClassFixture<Ext4>
{
    private const int Size = 1 << 20;

    [Theory]
    [InlineData(WriteDurability.Cached)]
    [InlineData(WriteDurability.Stable)]
    public async Task What_is_written_and_read_stays_in_no_cache(WriteDurability durability)
    {
        await using PoolOnDisk made = await MakeAsync();
        await using IBlockSource blocks = await made.BlocksAsync("vm42");
        byte[] page = new byte[4096];
        await blocks.WriteAsync(8192, Enumerable.Repeat((byte)7, 4096).ToArray(), durability, default);

        await blocks.ReadAsync(8192, page, default);

        page.ShouldAllBe(b => b == 7);
        blocks.TryRead(8192, page).ShouldBeFalse();
        using BlockFile image = BlockFile.Open(made.Pool.PathOf(new("vm42")), writable: false);
        image.TryReadCached(8192, page).ShouldBeFalse();
    }

    [Fact]
    public async Task Whole_pages_and_parts_of_them_from_memory_that_starts_anywhere_are_what_was_written_last()
    {
        const int Seed = 20261126;
        Random random = new(Seed);
        await using PoolOnDisk made = await MakeAsync();
        await using IBlockSource blocks = await made.BlocksAsync("vm42");
        byte[] model = new byte[Size];
        byte[] memory = new byte[Size];
        for (int turn = 0; turn < 200; turn++)
        {
            int unit = random.Next(2) == 0 ? 512 : 4096;
            int offset = random.Next(Size / unit) * unit;
            int length = random.Next(1, Math.Min((Size - offset) / unit, 80) + 1) * unit;
            Memory<byte> part = memory.AsMemory(random.Next(Size - length), length);
            switch (random.Next(4))
            {
                case 0:
                    await blocks.ReadAsync(offset, part, default);
                    part.Span.SequenceEqual(model.AsSpan(offset, length)).ShouldBeTrue($"turn {turn} of seed {Seed}");
                    break;
                case 1:
                    await blocks.WriteZeroesAsync(offset, length, default);
                    model.AsSpan(offset, length).Clear();
                    break;
                default:
                    random.NextBytes(part.Span);
                    await blocks.WriteAsync(offset, part, random.Next(4) == 0 ? WriteDurability.Stable : WriteDurability.Cached, default);
                    part.Span.CopyTo(model.AsSpan(offset));
                    break;
            }
        }

        await blocks.ReadAsync(0, memory, default);
        memory.SequenceEqual(model).ShouldBeTrue($"seed {Seed}");
    }

    [Fact]
    public async Task Where_the_file_system_has_no_such_way_the_pool_is_refused_before_it_is_made()
    {
        await using PoolOnDisk unmade = PoolOnDisk.Unmade(options: new() { Directory = "/proc/data", Direct = true });

        ProbeResult probed = await unmade.Backend.ProbeAsync(default);

        probed.Missing.ShouldHaveSingleItem().ShouldStartWith("/proc is on a file system that has no I/O past the page cache");
    }

    private async Task<PoolOnDisk> MakeAsync()
    {
        PoolOnDisk made = await PoolOnDisk.MakeAsync(Needed.Require(ext4), options: new() { Direct = true });
        await made.CreateAsync("vm42", new(Size));
        return made;
    }
}
