using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The blocks of a real block device.</summary>
public class DeviceBlocksTests
{
    [Fact]
    public async Task The_size_of_a_device_is_told_while_somebody_has_it_locked_as_udev_does()
    {
        await using LoopDevice device = await LoopDevice.MakeAsync(ByteSize.MiB(1));
        using FileStream locked = new(device.Path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);

        BlockDevice.GetSize(device.Path).ShouldBe(ByteSize.MiB(1));
        BlockDevice.GetSectorSize(device.Path).ShouldBe(new ByteSize(512));
    }

    [Fact]
    public async Task What_was_written_is_read_and_after_a_flush_or_a_stable_write_it_is_on_the_device()
    {
        await using LoopDevice device = await LoopDevice.MakeAsync(ByteSize.MiB(8));
        await using DeviceBlocks blocks = Open(device);
        byte[] cached = Filled(1);
        byte[] stable = Filled(2);

        await blocks.WriteAsync(4096, cached, WriteDurability.Cached, default);
        await blocks.FlushAsync(default);
        await blocks.WriteAsync(8192, stable, WriteDurability.Stable, default);

        byte[] read = new byte[4096];
        await blocks.ReadAsync(4096, read, default);
        read.ShouldBe(cached);
        blocks.TryRead(8192, read).ShouldBeTrue("it was just written");
        read.ShouldBe(stable);
        byte[] image = await File.ReadAllBytesAsync(device.Image);
        image.AsSpan(4096, 4096).SequenceEqual(cached).ShouldBeTrue();
        image.AsSpan(8192, 4096).SequenceEqual(stable).ShouldBeTrue();
    }

    [Fact]
    public async Task A_device_that_grows_is_larger_to_those_who_have_it_open()
    {
        await using LoopDevice device = await LoopDevice.MakeAsync(ByteSize.MiB(8));
        await using DeviceBlocks blocks = Open(device);
        (await Should.ThrowAsync<StorageException>(async () => await blocks.WriteAsync(8 << 20, Filled(1), WriteDurability.Cached, default))).Kind.ShouldBe(StorageErrorKind.NotSupported);

        await device.GrowAsync(ByteSize.MiB(16));

        await blocks.WriteAsync(8 << 20, Filled(1), WriteDurability.Cached, default);
        blocks.Size.ShouldBe(ByteSize.MiB(16));
    }

    [Fact]
    public async Task Discarding_gives_space_back_and_zeros_read_as_zeros_even_over_what_was_only_cached()
    {
        await using LoopDevice device = await LoopDevice.MakeAsync(ByteSize.MiB(8));
        await using DeviceBlocks blocks = Open(device);
        await blocks.WriteAsync(0, Enumerable.Repeat((byte)7, 4 << 20).ToArray(), WriteDurability.Stable, default);
        long full = BlockFile.Look(device.Image).Allocated;

        await blocks.DiscardAsync(0, 2 << 20, default);
        await blocks.WriteAsync(2 << 20, Filled(9), WriteDurability.Cached, default);
        await blocks.WriteZeroesAsync(2 << 20, 1 << 20, default);
        await blocks.FlushAsync(default);

        BlockFile.Look(device.Image).Allocated.ShouldBeLessThanOrEqualTo(full - (2 << 20));
        byte[] read = new byte[1 << 20];
        await blocks.ReadAsync(2 << 20, read, default);
        read.ShouldAllBe(value => value == 0);
        await blocks.ReadAsync(3 << 20, read, default);
        read.ShouldAllBe(value => value == 7);
    }

    [Fact]
    public async Task Whoever_may_only_read_changes_nothing()
    {
        await using LoopDevice device = await LoopDevice.MakeAsync(ByteSize.MiB(8));
        await using DeviceBlocks blocks = DeviceBlocks.Open(device.Path, "vg0/vm42", BlockAccess.Read);

        await Should.ThrowAsync<StorageException>(async () => await blocks.WriteAsync(0, Filled(1), WriteDurability.Cached, default));
        await Should.ThrowAsync<StorageException>(async () => await blocks.DiscardAsync(0, 4096, default));
        await Should.ThrowAsync<StorageException>(async () => await blocks.WriteZeroesAsync(0, 4096, default));
        await blocks.FlushAsync(default);
        await blocks.ReadAsync(0, new byte[4096], default);
    }

    [Theory]
    [InlineData(WriteDurability.Cached)]
    [InlineData(WriteDurability.Stable)]
    public async Task A_device_that_loses_a_write_takes_no_more_and_that_is_told_once(WriteDurability durability)
    {
        await using LoopDevice device = await LoopDevice.MakeAsync(ByteSize.MiB(8), room: ByteSize.MiB(1));
        List<StorageException> told = [];
        await using DeviceBlocks blocks = DeviceBlocks.Open(device.Path, "vg0/vm42", BlockAccess.ReadWrite, told.Add);

        await Should.ThrowAsync<StorageException>(async () =>
        {
            await blocks.WriteAsync(0, Enumerable.Repeat((byte)7, 4 << 20).ToArray(), durability, default);
            await blocks.FlushAsync(default);
        });
        StorageException later = await Should.ThrowAsync<StorageException>(async () => await blocks.WriteAsync(0, Filled(1), WriteDurability.Cached, default));

        later.Message.ShouldContain("since a sync failed");
        await Should.ThrowAsync<StorageException>(async () => await blocks.FlushAsync(default));
        told.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_lost_write_is_told_to_each_opening_and_to_each_only_once()
    {
        await using LoopDevice device = await LoopDevice.MakeAsync(ByteSize.MiB(8), room: ByteSize.MiB(1));
        using BlockFile first = BlockFile.OpenDevice(device.Path, writable: true, "vg0/vm42");
        using BlockFile second = first.Reopen();
        first.Write(0, Enumerable.Repeat((byte)7, 4 << 20).ToArray());

        Should.Throw<StorageException>(second.Flush);
        second.Flush();
        Should.Throw<StorageException>(first.Flush);
    }

    [Fact]
    public async Task What_is_no_block_device_is_refused_and_what_is_not_there_is_not_made()
    {
        using TemporaryDirectory directory = new();
        await File.WriteAllTextAsync(directory["file"], "a file");

        Should.Throw<StorageException>(() => DeviceBlocks.Open(directory["file"], "vg0/vm42", BlockAccess.ReadWrite)).Kind.ShouldBe(StorageErrorKind.Conflict);
        Should.Throw<StorageException>(() => DeviceBlocks.Open(directory["absent"], "vg0/vm42", BlockAccess.ReadWrite)).Kind.ShouldBe(StorageErrorKind.NotFound);
        File.Exists(directory["absent"]).ShouldBeFalse();
    }

    private static DeviceBlocks Open(LoopDevice device) => DeviceBlocks.Open(device.Path, "vg0/vm42", BlockAccess.ReadWrite);

    private static byte[] Filled(byte value) => [.. Enumerable.Repeat(value, 4096)];
}
