using EveStorage.FileSystems;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

public class FileSystemLayerTests
{
    public static TheoryData<string> Kinds { get; } = ["ext4", "xfs"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task It_is_made_with_our_mark_and_mounted_so_that_neither_set_user_programs_nor_devices_work(string kind)
    {
        using Ground ground = new(kind);

        OperationRequest request = await ground.MakeAsync();

        ground.Superblock!.IsWhole.ShouldBeTrue();
        ground.Superblock.IsOf(request.Id, ground.Site.Name).ShouldBeTrue();
        (await ground.IsOpenAsync()).ShouldBeTrue();
        string options = (await File.ReadAllLinesAsync("/proc/self/mounts")).Single(line => line.Contains(ground.Point, StringComparison.Ordinal)).Split(' ')[3];
        options.ShouldContain("nosuid");
        options.ShouldContain("nodev");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task What_is_written_is_there_when_it_is_opened_again_and_closing_leaves_no_loop_device(string kind)
    {
        using Ground ground = new(kind);
        await ground.MakeAsync();
        await File.WriteAllTextAsync(Path.Combine(ground.Point, "a"), "kept");

        await ground.CloseAsync();
        bool open = await ground.IsOpenAsync();
        string? loop = LoopDevice.Find(ground.Image);
        await ground.OpenAsync();

        open.ShouldBeFalse();
        loop.ShouldBeNull();
        (await File.ReadAllTextAsync(Path.Combine(ground.Point, "a"))).ShouldBe("kept");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Its_image_is_in_use_for_everybody_while_it_is_mounted_and_no_longer(string kind)
    {
        using Ground ground = new(kind);
        await ground.MakeAsync();
        using BlockFile image = BlockFile.Open(ground.Image, writable: true);

        bool free = image.TryLock(ImageLocks.User, exclusive: true);
        await ground.CloseAsync();

        free.ShouldBeFalse();
        image.TryLock(ImageLocks.User, exclusive: true).ShouldBeTrue();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task One_that_is_closed_can_be_closed_and_one_that_is_open_can_be_opened(string kind)
    {
        using Ground ground = new(kind);
        await ground.MakeAsync();

        IReadOnlyList<StorageStep> opened = await Ground.RunAsync(ground.Layer.PlanOpenAsync(ground.Site, default));
        await ground.CloseAsync();
        IReadOnlyList<StorageStep> closed = await Ground.RunAsync(ground.Layer.PlanCloseAsync(ground.Site, default));

        opened.ShouldBeEmpty();
        closed.ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task It_grows_while_it_is_used(string kind)
    {
        using Ground ground = new(kind);
        ground.RequireGrowing();
        await ground.MakeAsync();
        using FileStream used = File.Create(Path.Combine(ground.Point, "a"));
        ByteSize before = FileSystem.Of(ground.Point).Size;

        ground.Resize(new(ground.Size.Bytes * 2));
        await Ground.RunAsync(ground.Layer.PlanGrowAsync(ground.Site, default));
        IReadOnlyList<StorageStep> again = await Ground.RunAsync(ground.Layer.PlanGrowAsync(ground.Site, default));

        FileSystem.Of(ground.Point).Size.Bytes.ShouldBeGreaterThan(before.Bytes * 17 / 10);
        again.ShouldBeEmpty();
    }

    [Fact]
    public async Task One_that_has_grown_or_may_have_is_not_undone()
    {
        using Ground ground = new("xfs");
        await ground.MakeAsync();
        ground.Resize(new(ground.Size.Bytes * 2));
        StorageStep grow = (await ground.Layer.PlanGrowAsync(ground.Site, default)).Steps[0];
        OperationContext context = RunningPlans.ContextOf(RunningPlans.RequestFor());

        StorageException unknown = await Should.ThrowAsync<StorageException>(() => grow.RevertAsync(context, default).AsTask());
        await grow.ApplyAsync(context, default);
        StorageException e = await Should.ThrowAsync<StorageException>(() => grow.RevertAsync(context, default).AsTask());

        (unknown.Kind, e.Kind).ShouldBe((StorageErrorKind.NeedsAttention, StorageErrorKind.NeedsAttention));
        grow.Expected.Destroyed.ShouldNotBeNull("from it a plan only goes forward");
    }

    [Fact]
    public async Task One_whose_growing_failed_lets_what_lies_below_shrink_again()
    {
        using Ground ground = new("xfs");
        await ground.MakeAsync();
        FileSystemLayer layer = new(new Stubborn(), new());
        StorageStep grow = (await layer.PlanGrowAsync(ground.Site, default)).Steps[0];
        OperationContext context = RunningPlans.ContextOf(RunningPlans.RequestFor());

        StorageException e = await Should.ThrowAsync<StorageException>(() => grow.ApplyAsync(context, default).AsTask());
        await grow.RevertAsync(context, default);

        e.Kind.ShouldBe(StorageErrorKind.Io);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task One_that_is_mounted_to_read_only_is_not_written(string kind)
    {
        using Ground ground = new(kind);
        await ground.MakeAsync();
        await ground.CloseAsync();
        ground.MountReadOnly();

        await ground.OpenAsync();

        MountTable.FindAt(ground.Point)!.ReadOnly.ShouldBeTrue();
        Should.Throw<IOException>(() => File.WriteAllText(Path.Combine(ground.Point, "a"), ""));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task What_is_in_use_is_not_closed_and_who_uses_it_is_named(string kind)
    {
        using Ground ground = new(kind);
        await ground.MakeAsync();
        using FileStream used = File.Create(Path.Combine(ground.Point, "a"));

        StorageException e = await Should.ThrowAsync<StorageException>(ground.CloseAsync);

        e.Kind.ShouldBe(StorageErrorKind.Busy);
        e.Message.ShouldContain($"(process {Environment.ProcessId})");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Erasing_it_leaves_nothing_that_anybody_knows(string kind)
    {
        using Ground ground = new(kind);
        await ground.MakeAsync();
        await ground.CloseAsync();

        await Ground.RunAsync(ground.Layer.PlanEraseAsync(ground.Site, default));

        ground.Superblock.ShouldBeNull();
        (await Ground.RunAsync(ground.Layer.PlanEraseAsync(ground.Site, default))).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_file_whose_space_was_taken_keeps_all_of_it()
    {
        using Ground ground = new("ext4");
        using (BlockFile image = BlockFile.Open(ground.Image, writable: true))
        {
            image.Allocate(0, ground.Size.Bytes);
        }

        await ground.MakeAsync();

        BlockFile.Look(ground.Image).Allocated.ShouldBeGreaterThanOrEqualTo(ground.Size.Bytes);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Whatever_a_device_begins_with_it_is_read_or_is_none(string kind)
    {
        FileSystemFormat format = kind == "ext4" ? new Ext4.Ext4Format() : new Xfs.XfsFormat();
        byte[] head = new byte[Superblock.HeadLength];
        Random random = new(1);
        for (int round = 0; round < 2000; round++)
        {
            random.NextBytes(head);
            "XFSB"u8.CopyTo(head);
            (head[1024 + 0x38], head[1024 + 0x39]) = (0x53, 0xEF);

            Superblock? found = format.Read(head);

            (found?.Size.Bytes ?? 0).ShouldBeGreaterThanOrEqualTo(0);
            (found?.IsOurs ?? false).ShouldBeFalse();
        }
    }
}
