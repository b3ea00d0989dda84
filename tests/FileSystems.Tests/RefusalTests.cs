using EveStorage.FileSystems;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>What is not ours, or would be hidden, is left as it is.</summary>
public class RefusalTests
{
    public static TheoryData<string> Kinds { get; } = ["ext4", "xfs"];

    [Theory]
    [InlineData("ext4", "mkfs.ext4", "-q")]
    [InlineData("ext4", "mkfs.xfs", "-q")]
    [InlineData("ext4", "mkswap", "-q")]
    [InlineData("xfs", "mkfs.ext4", "-q")]
    [InlineData("xfs", "mkfs.xfs", "-q")]
    public async Task What_somebody_made_is_not_formatted_and_keeps_every_byte(string kind, string program, string option)
    {
        using Ground ground = new(kind);
        ground.Resize(ByteSize.MiB(320));
        await Ground.ToolAsync(program, option, ground.Image);
        string before = ground.Hash();

        StorageException e = await Should.ThrowAsync<StorageException>(() => ground.MakeAsync());

        e.Kind.ShouldBe(StorageErrorKind.Conflict);
        ground.Hash().ShouldBe(before);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Another_ones_file_system_is_never_mounted(string kind)
    {
        using Ground ground = new(kind);
        await Ground.ToolAsync($"mkfs.{kind}", "-q", ground.Image);

        StorageException e = await Should.ThrowAsync<StorageException>(ground.OpenAsync);

        e.Kind.ShouldBe(StorageErrorKind.Conflict);
        MountTable.FindAt(ground.Point).ShouldBeNull();
    }

    [Fact]
    public async Task What_is_blank_is_not_mounted_and_stays_blank()
    {
        using Ground ground = new("ext4");
        string before = ground.Hash();

        StorageException e = await Should.ThrowAsync<StorageException>(ground.OpenAsync);

        e.Kind.ShouldBe(StorageErrorKind.NotFound);
        ground.Hash().ShouldBe(before);
    }

    [Fact]
    public async Task A_directory_with_files_is_not_mounted_on()
    {
        using Ground ground = new("ext4");
        Directory.CreateDirectory(ground.Point);
        await File.WriteAllTextAsync(Path.Combine(ground.Point, "a"), "");

        StorageException e = await Should.ThrowAsync<StorageException>(() => ground.MakeAsync());

        e.Kind.ShouldBe(StorageErrorKind.Conflict);
        e.Message.ShouldContain("hidden");
        ground.Superblock.ShouldBeNull("what the operation made is undone");
    }

    [Fact]
    public async Task A_link_on_the_way_is_not_followed()
    {
        using Ground ground = new("ext4");
        Directory.CreateDirectory(ground.Root);
        Directory.CreateDirectory(ground["elsewhere"]);
        File.CreateSymbolicLink(Path.Combine(ground.Root, "log"), ground["elsewhere"]);

        StorageException e = await Should.ThrowAsync<StorageException>(() => ground.MakeAsync());

        e.Kind.ShouldBe(StorageErrorKind.Conflict);
        Directory.EnumerateFileSystemEntries(ground["elsewhere"]).ShouldBeEmpty();
    }

    [Fact]
    public async Task Everybody_gets_to_a_place_that_was_made()
    {
        using Ground ground = new("ext4");
        await ground.MakeAsync();

        UnixFileMode forAll = UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        (File.GetUnixFileMode(ground.Root) & forAll, File.GetUnixFileMode(Path.Combine(ground.Root, "log")) & forAll, File.GetUnixFileMode(ground.Point) & forAll).ShouldBe((forAll, forAll, forAll));
    }

    [Fact]
    public async Task A_root_that_others_may_change_is_refused()
    {
        using Ground ground = new("ext4");
        Directory.CreateDirectory(ground.Root);
        File.SetUnixFileMode(ground.Root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute);

        (await Should.ThrowAsync<StorageException>(() => ground.MakeAsync())).Kind.ShouldBe(StorageErrorKind.Conflict);
    }

    [Fact]
    public async Task A_place_where_something_else_is_mounted_is_refused()
    {
        using Ground ground = new("ext4");
        Directory.CreateDirectory(ground.Point);
        await Ground.ToolAsync("mount", "-t", "tmpfs", "tmpfs", ground.Point);

        StorageException e = await Should.ThrowAsync<StorageException>(() => ground.MakeAsync());

        e.Kind.ShouldBe(StorageErrorKind.Conflict);
        MountTable.FindAt(ground.Point)!.Kind.ShouldBe("tmpfs");
    }

    [Fact]
    public async Task One_that_somebody_mounted_elsewhere_is_neither_mounted_again_nor_unmounted_there()
    {
        using Ground ground = new("ext4");
        await ground.MakeAsync();
        await ground.CloseAsync();
        Directory.CreateDirectory(ground["elsewhere"]);
        await Ground.ToolAsync("mount", "-o", "loop", ground.Image, ground["elsewhere"]);

        StorageException opening = await Should.ThrowAsync<StorageException>(ground.OpenAsync);
        StorageException closing = await Should.ThrowAsync<StorageException>(ground.CloseAsync);

        opening.Kind.ShouldBe(StorageErrorKind.Conflict);
        closing.Kind.ShouldBe(StorageErrorKind.Busy);
        MountTable.FindAt(ground["elsewhere"]).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_size_that_is_too_small_is_refused()
    {
        using Ground ground = new("xfs");
        ground.Resize(ByteSize.MiB(64));

        (await Should.ThrowAsync<StorageException>(() => ground.MakeAsync())).Message.ShouldBe("data/newlog: has 64MiB, and xfs needs 300MiB");
    }
}
