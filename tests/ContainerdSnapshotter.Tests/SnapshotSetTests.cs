using EveStorage.ContainerdSnapshotter;
using EveStorage.ContainerdSnapshotter.Protocol;

namespace EveStorage.Tests;

public sealed class SnapshotSetTests : IAsyncLifetime
{
    private static readonly Dictionary<string, string> s_none = [];

    private readonly SnapshotterDirectory _directory = new();
    private SnapshotSets _sets = null!;

    private SnapshotSet Set => _sets.Of("eve.storage");

    public async ValueTask InitializeAsync() => _sets = await _directory.OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await _sets.DisposeAsync();
        await _directory.DisposeAsync();
    }

    [Fact]
    public async Task The_first_layer_is_a_directory_and_the_next_ones_are_joined()
    {
        Mount first = (await Set.MakeAsync(Kind.Active, "a", "", s_none)).ShouldHaveSingleItem();
        await Set.CommitAsync("A", "a", s_none);
        Mount second = (await Set.MakeAsync(Kind.Active, "b", "A", s_none)).ShouldHaveSingleItem();
        Mount view = (await Set.MakeAsync(Kind.View, "v", "A", s_none)).ShouldHaveSingleItem();

        (first.Type, string.Join(',', first.Options)).ShouldBe(("bind", "rw,rbind"));
        second.Type.ShouldBe("overlay");
        second.Options.ShouldContain($"lowerdir={first.Source}");
        (view.Type, view.Source, string.Join(',', view.Options)).ShouldBe(("bind", first.Source, "ro,rbind"));
    }

    [Fact]
    public async Task All_of_it_is_there_after_the_next_start()
    {
        await Set.MakeAsync(Kind.Active, "a", "", new Dictionary<string, string> { ["x"] = "1" });
        await Set.CommitAsync("A", "a", new Dictionary<string, string> { ["y"] = "2" });
        await Set.MakeAsync(Kind.Active, "b", "A", s_none);
        string mounts = string.Join(' ', Set.MountsOf("b"));

        await RestartAsync();

        Set.List().Select(record => $"{record.Key} {record.Kind} {record.Parent}").ShouldBe(["A Committed ", "b Active A"]);
        Set.Stat("A").Labels.ShouldBe(new Dictionary<string, string> { ["y"] = "2" });
        string.Join(' ', Set.MountsOf("b")).ShouldBe(mounts);
        Should.Throw<StorageException>(() => Set.Remove("A")).Kind.ShouldBe(StorageErrorKind.Busy);
    }

    [Fact]
    public async Task What_a_crash_left_half_made_or_half_removed_is_in_nobodys_way_and_goes()
    {
        string layers = Path.Combine(_directory.Options.Directory, "eve.storage");
        await Set.MakeAsync(Kind.Active, "a", "", s_none);
        Directory.CreateDirectory(Path.Combine(layers, "new-2", "fs"));
        Directory.CreateDirectory(Path.Combine(layers, "rm-7-x", "fs", "deep"));

        await RestartAsync();
        await Set.MakeAsync(Kind.Active, "b", "", s_none);
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(30));
        while (Directory.EnumerateDirectories(layers).Count() > 2)
        {
            await Task.Delay(20, limit.Token);
        }

        Set.List().Select(record => record.Key).ShouldBe(["a", "b"]);
    }

    [Fact]
    public async Task A_thousand_are_made_and_removed_and_nothing_is_left()
    {
        await Set.MakeAsync(Kind.Active, "base", "", s_none);
        await Set.CommitAsync("BASE", "base", s_none);
        string layers = Path.Combine(_directory.Options.Directory, "eve.storage");

        for (int round = 0; round < 1000; round++)
        {
            string files = (await Set.MakeAsync(Kind.Active, "c", "BASE", s_none))[0].Options.Single(option => option.StartsWith("upperdir=", StringComparison.Ordinal))[9..];
            await File.WriteAllTextAsync(Path.Combine(files, "written"), "by a container");
            Set.Remove("c");
        }

        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(60));
        while (Directory.EnumerateDirectories(layers).Count() > 1)
        {
            await Task.Delay(20, limit.Token);
        }

        Set.List().ShouldHaveSingleItem().Key.ShouldBe("BASE");
    }

    [Fact]
    public async Task What_can_not_be_is_refused()
    {
        await Set.MakeAsync(Kind.Active, "a", "", s_none);

        (await KindsAsync(
            () => Set.MakeAsync(Kind.Active, "a", "", s_none), () => Set.MakeAsync(Kind.Active, "b", "missing", s_none), () => Set.MakeAsync(Kind.Active, "b", "a", s_none),
            () => Set.CommitAsync("A", "missing", s_none), () => Set.MakeAsync(Kind.Active, "", "", s_none)))
            .ShouldBe([StorageErrorKind.Conflict, StorageErrorKind.NotFound, StorageErrorKind.InvalidConfiguration, StorageErrorKind.NotFound, StorageErrorKind.InvalidConfiguration]);
        Kinds(() => Set.Remove("missing"), () => Set.Stat("missing"), () => _sets.Of("../etc"))
            .ShouldBe([StorageErrorKind.NotFound, StorageErrorKind.NotFound, StorageErrorKind.InvalidConfiguration]);
    }

    [Fact]
    public async Task A_limit_that_directories_can_not_keep_to_is_refused_and_leaves_nothing()
    {
        StorageException refused = await Should.ThrowAsync<StorageException>(
            () => Set.MakeAsync(Kind.Active, "a", "", new Dictionary<string, string> { [LayerLimit.Label] = "268435456" }));
        await Set.MakeAsync(Kind.Active, "a", "", s_none);

        refused.Kind.ShouldBe(StorageErrorKind.NotSupported);
        Directory.EnumerateDirectories(Path.Combine(_directory.Options.Directory, "eve.storage")).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task File_systems_of_their_own_are_refused_where_files_share_no_blocks()
    {
        await using LoopFileSystem place = await LoopFileSystem.MakeAsync("ext4", ByteSize.MiB(64));
        ContainerdSnapshotterOptions options = _directory.OptionsIn(place.Path);
        options.Mode = LayerMode.Clone;

        (await Should.ThrowAsync<StorageException>(() => SnapshotSets.OpenAsync(options, _directory.Services))).Kind.ShouldBe(StorageErrorKind.NotSupported);
    }

    [Fact]
    public void Another_process_that_would_serve_the_same_layers_is_refused()
        => Should.Throw<StorageException>(_directory.OpenAsync).Kind.ShouldBe(StorageErrorKind.Busy);

    [Theory]
    [InlineData("kind==active", "a")]
    [InlineData("kind!=active", "B")]
    [InlineData("name==B,kind==committed", "B")]
    [InlineData("name==B,kind==active", "")]
    [InlineData("labels.\"x.y\"==1", "a")]
    [InlineData("labels.\"x.y\"", "a")]
    [InlineData("name~=^[a-z]$", "a")]
    public async Task A_filter_lets_through_what_it_says(string filter, string names)
    {
        await Set.MakeAsync(Kind.Active, "a", "", new Dictionary<string, string> { ["x.y"] = "1" });
        await Set.MakeAsync(Kind.Active, "b", "", s_none);
        await Set.CommitAsync("B", "b", s_none);

        string.Join(' ', Set.List().Where(SnapshotFilter.Parse([filter])).Select(record => record.Key)).ShouldBe(names);
    }

    [Theory]
    [InlineData("==")]
    [InlineData("kind==")]
    [InlineData("name~=(")]
    [InlineData(",")]
    public void A_filter_that_is_none_is_refused(string filter)
        => Should.Throw<StorageException>(() => SnapshotFilter.Parse([filter])).Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);

    [Fact]
    public async Task Labels_are_changed_one_by_one_or_all_together()
    {
        await Set.MakeAsync(Kind.Active, "a", "", new Dictionary<string, string> { ["x"] = "1", ["y"] = "2" });

        Set.Update("a", new Dictionary<string, string> { ["x"] = "3" }, ["labels.x"]).Labels.ShouldBe(new Dictionary<string, string> { ["x"] = "3", ["y"] = "2" }, ignoreOrder: true);
        Set.Update("a", s_none, ["labels.y"]).Labels.ShouldBe(new Dictionary<string, string> { ["x"] = "3" });
        Set.Update("a", new Dictionary<string, string> { ["z"] = "4" }, []).Labels.ShouldBe(new Dictionary<string, string> { ["z"] = "4" });
        Should.Throw<StorageException>(() => Set.Update("a", s_none, ["parent"])).Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);
    }

    [Fact]
    public async Task Usage_counts_the_blocks_of_each_file_once()
    {
        string files = (await Set.MakeAsync(Kind.Active, "a", "", s_none))[0].Source;
        await File.WriteAllBytesAsync(Path.Combine(files, "one"), new byte[1 << 20]);
        await Linux.Command.Find("ln")!.RunAsync([Path.Combine(files, "one"), Path.Combine(files, "same")], default);

        LayerUsage usage = Set.UsageOf("a");

        usage.Files.ShouldBe(2, "a directory, and one file with two names");
        usage.Size.ShouldBeInRange(1 << 20, (1 << 20) + (64 << 10));
    }

    private static StorageErrorKind[] Kinds(params Action[] calls) => [.. calls.Select(call => Should.Throw<StorageException>(call).Kind)];

    private static async Task<StorageErrorKind[]> KindsAsync(params Func<Task>[] calls)
    {
        List<StorageErrorKind> kinds = [];
        foreach (Func<Task> call in calls)
        {
            kinds.Add((await Should.ThrowAsync<StorageException>(call)).Kind);
        }

        return [.. kinds];
    }

    private async Task RestartAsync()
    {
        await _sets.DisposeAsync();
        _sets = await _directory.OpenAsync();
    }
}
