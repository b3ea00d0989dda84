using EveStorage.ContainerdSnapshotter;
using EveStorage.ContainerdSnapshotter.Protocol;
using EveStorage.Linux;
using Mount = EveStorage.ContainerdSnapshotter.Protocol.Mount;

namespace EveStorage.Tests;

/// <summary>Layers that are file systems of their own, mounted as containerd would.</summary>
public sealed class CloneTests : IAsyncLifetime
{
    private static readonly Dictionary<string, string> s_none = [];

    private readonly SnapshotterDirectory _directory = new();
    private readonly Stack<string> _mounted = [];
    private LoopFileSystem _place = null!;
    private SnapshotSets _sets = null!;

    private SnapshotSet Set => _sets.Of("eve.storage");

    private ContainerdSnapshotterOptions Options
    {
        get
        {
            ContainerdSnapshotterOptions options = _directory.OptionsIn(_place.Path);
            options.LayerSize = ByteSize.MiB(64);
            return options;
        }
    }

    public async ValueTask InitializeAsync()
    {
        _place = await LoopFileSystem.MakeAsync("xfs", ByteSize.MiB(512));
        _sets = await SnapshotSets.OpenAsync(Options, _directory.Services);
    }

    public async ValueTask DisposeAsync()
    {
        while (_mounted.TryPop(out string? point))
        {
            await LoopFileSystem.UnmountAsync(point);
        }

        await _sets.DisposeAsync();
        await _place.DisposeAsync();
        await _directory.DisposeAsync();
    }

    [Fact]
    public async Task A_layer_starts_as_what_it_lies_on_and_changes_nothing_of_it()
    {
        await WriteAsync(await MountAsync(await Set.MakeAsync(Kind.Active, "a", "", s_none)), "file", "below");
        await UnmountAsync();
        await Set.CommitAsync("A", "a", s_none);
        string above = await MountAsync(await Set.MakeAsync(Kind.Active, "b", "A", s_none));
        string read = await ReadAsync(above, "file");
        await WriteAsync(above, "file", "above");
        string view = await MountAsync(await Set.MakeAsync(Kind.View, "v", "A", s_none));

        read.ShouldBe("below");
        (await ReadAsync(view, "file")).ShouldBe("below");
        Directory.EnumerateFileSystemEntries(view).Select(Path.GetFileName).ShouldBe(["file"], "as containerd's own layers have it, with nothing of the file system's");
        await Should.ThrowAsync<IOException>(() => WriteAsync(view, "other", ""));
    }

    [Fact]
    public async Task What_is_written_after_a_commit_by_who_has_it_mounted_still_is_not_in_it()
    {
        string still = await MountAsync(await Set.MakeAsync(Kind.Active, "a", "", s_none));
        await WriteAsync(still, "file", "before");

        await Set.CommitAsync("A", "a", s_none);
        await WriteAsync(still, "file", "after");
        string view = await MountAsync(await Set.MakeAsync(Kind.View, "v", "A", s_none));

        (await ReadAsync(view, "file")).ShouldBe("before");
    }

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

    [Fact]
    public async Task What_lies_on_directories_is_one_whatever_the_mode_is_by_then()
    {
        await RestartAsync(_directory.OptionsIn(_place.Path));
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
        string layers = Path.Combine(_place.Path, "eve.storage");
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
        string building = Path.Combine(_place.Path, "eve.storage", "new-7");
        string moment = Path.Combine(building, "mnt-1");
        Directory.CreateDirectory(moment);
        File.Copy(Directory.EnumerateFiles(Path.Combine(_place.Path, ".empty")).Single(), Path.Combine(building, "image"));
        await Command.Find("mount")!.RunAsync(["-o", "loop", Path.Combine(building, "image"), moment], CancellationToken.None);
        MountedFileSystem.Freeze(running);

        await RestartAsync();

        MountTable.Read().ShouldNotContain(mount => mount.Point.StartsWith($"{_place.Path}/", StringComparison.Ordinal));
        await WriteAsync(running, "file", "goes on");
        await RunningContainerd.ComesTrueAsync(() => Directory.EnumerateDirectories(Path.Combine(_place.Path, "eve.storage")).Count() == 1, "it goes");
    }

    [Theory]
    [InlineData("100663296", 96)]
    [InlineData("80MiB", 80)]
    public async Task A_label_says_how_large_a_layer_may_become(string size, int mebibytes)
    {
        await Set.MakeAsync(Kind.Active, "a", "", s_none);
        await Set.CommitAsync("A", "a", s_none);
        string grown = await MountAsync(await Set.MakeAsync(Kind.Active, "b", "A", new Dictionary<string, string> { [LayerLimit.Label] = size }));

        FileSystem.Of(grown).Size.Bytes.ShouldBeInRange(ByteSize.MiB(mebibytes - 12).Bytes, ByteSize.MiB(mebibytes).Bytes);
        await Should.ThrowAsync<IOException>(() => File.WriteAllBytesAsync(Path.Combine(grown, "fill"), new byte[mebibytes << 20]));
    }

    [Theory]
    [InlineData("33554432")]
    [InlineData("a lot")]
    [InlineData("0")]
    public async Task A_label_that_can_not_be_kept_to_is_refused_and_leaves_nothing(string size)
    {
        await Set.MakeAsync(Kind.Active, "a", "", s_none);
        await Set.CommitAsync("A", "a", s_none);

        StorageException refused = await Should.ThrowAsync<StorageException>(
            () => Set.MakeAsync(Kind.Active, "b", "A", new Dictionary<string, string> { [LayerLimit.Label] = size }));
        await Set.MakeAsync(Kind.Active, "b", "A", s_none);

        refused.Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);
        Directory.EnumerateDirectories(Path.Combine(_place.Path, "eve.storage")).Count().ShouldBe(2);
    }

    [Fact]
    public async Task Usage_is_what_a_layer_takes_beyond_what_it_lies_on()
    {
        await WriteAsync(await MountAsync(await Set.MakeAsync(Kind.Active, "a", "", s_none)), "one", new string('x', 4 << 20));
        LayerUsage written = Set.UsageOf("a");
        await UnmountAsync();
        await Set.CommitAsync("A", "a", s_none);
        await WriteAsync(await MountAsync(await Set.MakeAsync(Kind.Active, "b", "A", s_none)), "two", new string('y', 1 << 20));
        await UnmountAsync();

        written.Files.ShouldBe(1);
        (Set.UsageOf("A").Files, Set.UsageOf("b").Files).ShouldBe((1, 1));
        Set.UsageOf("A").Size.ShouldBeInRange(4 << 20, 5 << 20);
        Set.UsageOf("b").Size.ShouldBeInRange(1 << 20, 2 << 20);
    }

    private static string[] Names(string layers, string number)
        => [.. Directory.EnumerateFileSystemEntries(Path.Combine(layers, number)).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    private static async Task WriteAsync(string point, string name, string content)
    {
        string path = Path.Combine(point, name);
        await File.WriteAllTextAsync(path, content);
        MountedFileSystem.Sync(point);
    }

    private static Task<string> ReadAsync(string point, string name) => File.ReadAllTextAsync(Path.Combine(point, name));

    private async Task<string> MountAsync(IReadOnlyList<Mount> mounts)
    {
        Mount mount = mounts.ShouldHaveSingleItem();
        string point = Directory.CreateDirectory(_directory[$"point-{Guid.NewGuid():N}"]).FullName;
        await Command.Find("mount")!.RunAsync(["-t", mount.Type, "-o", string.Join(',', mount.Options), mount.Source, point], TestContext.Current.CancellationToken);
        _mounted.Push(point);
        return point;
    }

    private Task UnmountAsync() => LoopFileSystem.UnmountAsync(_mounted.Pop());

    private async Task RestartAsync(ContainerdSnapshotterOptions? options = null)
    {
        await _sets.DisposeAsync();
        _sets = await SnapshotSets.OpenAsync(options ?? Options, _directory.Services);
    }
}
