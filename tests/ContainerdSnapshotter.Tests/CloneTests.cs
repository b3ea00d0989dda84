using EveStorage.ContainerdSnapshotter;
using EveStorage.ContainerdSnapshotter.Protocol;
using EveStorage.Linux;
using Mount = EveStorage.ContainerdSnapshotter.Protocol.Mount;

namespace EveStorage.Tests;

/// <summary>What layers that are file systems of their own hold, take, and refuse.</summary>
public sealed class CloneTests : MountedLayers
{
    private static readonly Dictionary<string, string> s_none = [];

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
    public async Task A_place_that_leads_to_another_file_system_by_now_is_not_held_still()
    {
        string point = await MountAsync(await Set.MakeAsync(Kind.Active, "a", "", s_none));
        await CoverAsync(point);

        (await Should.ThrowAsync<StorageException>(() => Set.CommitAsync("A", "a", s_none))).Kind.ShouldBe(StorageErrorKind.Busy);
        await UnmountAsync();
        await Set.CommitAsync("A", "a", s_none);
    }

    [Fact]
    public async Task What_is_being_committed_stays_until_that_is_done_and_is_committed_once()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        await Set.MakeAsync(Kind.Active, "a", "", s_none);
        MountedFileSystem.Freeze(Place);
        Task[] commits = [.. new[] { "A", "B" }.Select(name => Task.Run(() => Set.CommitAsync(name, "a", s_none), cancellationToken))];
        Task refused;
        try
        {
            refused = await Task.WhenAny(commits).WaitAsync(TimeSpan.FromSeconds(30), cancellationToken);
            Should.Throw<StorageException>(() => Set.Remove("a")).Kind.ShouldBe(StorageErrorKind.Busy);
        }
        finally
        {
            MountedFileSystem.TryThaw(Place);
        }

        (await Should.ThrowAsync<StorageException>(refused)).Kind.ShouldBe(StorageErrorKind.Busy);
        await commits.Single(commit => commit != refused);
        SnapshotRecord committed = Set.List().ShouldHaveSingleItem();
        Set.Remove(committed.Key);
    }

    [Fact]
    public async Task An_image_that_can_not_be_mounted_leaves_no_place_for_it()
    {
        string image = Path.Combine(Place, "none");
        using (BlockFile file = BlockFile.Create(image))
        {
            file.SetLength(1 << 20);
        }

        await Should.ThrowAsync<StorageException>(() => LayerImage.MountAsync(Place, image, ImageKind.All[0], TimeProvider.System));

        Directory.EnumerateDirectories(Place, "mnt-*").ShouldBeEmpty();
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
        Directory.EnumerateDirectories(Path.Combine(Place, "eve.storage")).Count().ShouldBe(2);
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
}
