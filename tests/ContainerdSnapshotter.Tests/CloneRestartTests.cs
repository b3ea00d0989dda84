using EveStorage.ContainerdSnapshotter;
using EveStorage.ContainerdSnapshotter.Protocol;
using EveStorage.Linux;
using Mount = EveStorage.ContainerdSnapshotter.Protocol.Mount;

namespace EveStorage.Tests;

/// <summary>Layers that are file systems of their own after this host was ended and started again, perhaps with other options.</summary>
public sealed class CloneRestartTests : MountedLayers
{
    private static readonly Dictionary<string, string> s_none = [];

    [Fact]
    public async Task All_of_it_is_there_after_a_restart_that_containers_do_not_notice()
    {
        await Set.MakeAsync(Kind.Active, "a", "", s_none);
        await Set.CommitAsync("A", "a", s_none);
        string running = await MountAsync(await Set.MakeAsync(Kind.Active, "b", "A", s_none));

        await RestartAsync();
        await WriteAsync(running, "file", "written");
        string again = await MountAsync(Set.MountsOf("b"));

        (await ReadAsync(again, "file")).ShouldBe("written", "whoever mounts it has the same file system, not another on the same blocks");
        Set.List().Select(record => $"{record.Key} {record.Kind} {record.Mode}").ShouldBe(["A Committed Clone", "b Active Clone"]);
    }

    [Theory]
    [InlineData(false, "/")]
    [InlineData(true, "")]
    [InlineData(true, "/")]
    public async Task A_directory_may_be_named_by_a_link_and_with_a_slash_behind(bool isLink, string behind)
    {
        ContainerdSnapshotterOptions named = Options;
        named.Directory = $"{(isLink ? LinkToPlace() : Place)}{behind}";
        await RestartAsync(named);
        string running = await MountAsync(await Set.MakeAsync(Kind.Active, "a", "", s_none));
        MountedFileSystem.Freeze(running);

        await RestartAsync(named);
        bool held = MountedFileSystem.TryThaw(running);
        Set.MountsOf("a");

        held.ShouldBeFalse("it was let go of");
        LoopDevice.List().Count(loop => loop.File == Path.Combine(Place, "eve.storage", "1", "image")).ShouldBe(1, "two would write as if each were alone");
    }

    [Fact]
    public async Task What_lies_on_directories_is_one_whatever_the_mode_is_by_then()
    {
        ContainerdSnapshotterOptions directories = Options;
        directories.LayerSize = null;
        await RestartAsync(directories);
        await Set.MakeAsync(Kind.Active, "a", "", s_none);
        await Set.CommitAsync("A", "a", s_none);

        await RestartAsync();
        await Set.MakeAsync(Kind.Active, "b", "A", s_none);
        await Set.MakeAsync(Kind.Active, "c", "", s_none);

        Set.List().Select(record => record.Mode).ShouldBe([LayerMode.Overlay, LayerMode.Overlay, LayerMode.Clone]);
    }

    [Fact]
    public async Task A_crash_between_any_two_steps_of_a_commit_leaves_it_to_be_done_again_or_done()
    {
        await WriteAsync(await MountAsync(await Set.MakeAsync(Kind.Active, "a", "", s_none)), "file", "x");
        await UnmountAsync();
        await Set.MakeAsync(Kind.Active, "b", "", s_none);
        await Set.CommitAsync("B", "b", s_none);
        string layers = Path.Combine(Place, "eve.storage");
        File.Copy(Path.Combine(layers, "1", "image"), Path.Combine(layers, "1", "fixed-half"));
        File.Copy(Path.Combine(layers, "1", "image"), Path.Combine(layers, "1", "committed"));
        File.Copy(Path.Combine(layers, "2", "committed"), Path.Combine(layers, "2", "image"));

        await RestartAsync();

        Names(layers, "1").ShouldBe(["image", "snapshot.json"]);
        Names(layers, "2").ShouldBe(["committed", "snapshot.json"]);
        await Set.CommitAsync("A", "a", s_none);
        (await ReadAsync(await MountAsync(await Set.MakeAsync(Kind.View, "v", "A", s_none)), "file")).ShouldBe("x");
    }

    [Fact]
    public async Task What_a_crash_left_mounted_for_a_moment_is_unmounted_and_who_was_held_still_goes_on()
    {
        string running = await MountAsync(await Set.MakeAsync(Kind.Active, "a", "", s_none));
        string building = Path.Combine(Place, "eve.storage", "new-7");
        string moment = Path.Combine(building, "mnt-1");
        Directory.CreateDirectory(moment);
        File.Copy(Directory.EnumerateFiles(Path.Combine(Place, ".empty")).Single(), Path.Combine(building, "image"));
        await Command.Find("mount")!.RunAsync(["-o", "loop", Path.Combine(building, "image"), moment], CancellationToken.None);
        string others = Directory.CreateDirectory(Path.Combine(Place, "mnt-2")).FullName;
        await CoverAsync(others);
        MountedFileSystem.Freeze(running);

        await RestartAsync();

        MountTable.Read().Select(mount => mount.Point).Where(point => point.StartsWith($"{Place}/", StringComparison.Ordinal)).ShouldBe([others], "it is somebody else's");
        await WriteAsync(running, "file", "goes on");
        await RunningContainerd.ComesTrueAsync(() => Directory.EnumerateDirectories(Path.Combine(Place, "eve.storage")).Count() == 1, "it goes");
    }

    [Fact]
    public async Task Layers_stay_the_kind_that_they_are_whatever_the_option_says_by_then()
    {
        await WriteAsync(await MountAsync(await Set.MakeAsync(Kind.Active, "a", "", s_none)), "file", "written");
        await UnmountAsync();
        await Set.CommitAsync("A", "a", s_none);
        ContainerdSnapshotterOptions other = Options;
        (other.FileSystem, other.LayerSize) = ("xfs", ByteSize.MiB(300));

        await RestartAsync(other);
        string above = await MountAsync(await Set.MakeAsync(Kind.Active, "b", "A", s_none));
        IReadOnlyList<Mount> view = await Set.MakeAsync(Kind.View, "v", "A", s_none);
        IReadOnlyList<Mount> first = await Set.MakeAsync(Kind.Active, "c", "", s_none);
        await UnmountAsync();
        await Set.CommitAsync("B", "b", s_none);

        above.ShouldNotBeEmpty();
        new[] { view, first, await Set.MakeAsync(Kind.Active, "d", "B", s_none) }.Select(mounts => mounts[0].Type).ShouldBe(["ext4", "xfs", "ext4"]);
        (await ReadAsync(await MountAsync(view), "file")).ShouldBe("written");
    }

    [Fact]
    public async Task A_device_whose_link_could_not_be_made_is_linked_the_next_time()
    {
        await Set.MakeAsync(Kind.Active, "a", "", s_none);
        await RestartAsync();
        string link = Path.Combine(Place, "eve.storage", "1", "device");
        Directory.CreateDirectory(link);

        Should.Throw<StorageException>(() => Set.MountsOf("a"));
        Directory.Delete(link);

        await WriteAsync(await MountAsync(Set.MountsOf("a")), "file", "x");
    }

    private static string[] Names(string layers, string number)
        => [.. Directory.EnumerateFileSystemEntries(Path.Combine(layers, number)).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
}
