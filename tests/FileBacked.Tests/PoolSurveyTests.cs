using EveStorage.FileBacked;

namespace EveStorage.Tests;

/// <summary>A pool that is looked at again and again, and of which nothing is read that is known.</summary>
public sealed class PoolSurveyTests
{
    [Fact]
    public async Task What_was_found_sound_is_read_again_when_somebody_changed_it_and_not_before()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("a");
        await made.CreateAsync("b");
        List<VolumeName> read = [];
        PoolSurvey survey = new(new(made.Path, PoolOnDisk.Name), (name, _) => read.Add(name), new LaterClock());

        survey.Look([]);
        ByteSize used = survey.Look([]);
        read.ShouldBe([new("a"), new("b")]);
        used.ShouldBe(made.Pool.Space.Measure());

        await made.CreateAsync("c");
        survey.Look([]);
        read.ShouldBe([new("a"), new("b"), new("c")]);

        await made.WriteAsync("b", 0, 1, length: 1 << 20);
        survey.Look([]).ShouldBe(made.Pool.Space.Measure());
        read.Count.ShouldBe(3, "what is written to a volume is its own, and changes its space alone");
    }

    [Theory]
    [InlineData(StorageErrorKind.Io)]
    [InlineData(StorageErrorKind.Busy)]
    public async Task A_volume_that_can_not_be_looked_at_is_told_and_hides_neither_the_others_nor_the_pool(StorageErrorKind kind)
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("a");
        await made.CreateAsync("b");
        await made.WriteAsync("b", 0, 1, length: 1 << 20);
        PoolSurvey survey = new(new(made.Path, PoolOnDisk.Name), (name, _) => Refuse(name, kind), TimeProvider.System);
        List<string> problems = [];

        ByteSize used = survey.Look(problems);

        problems.ShouldHaveSingleItem().ShouldContain("a: can't be looked at, and its space is not counted: a: was told to fail");
        used.Bytes.ShouldBeGreaterThanOrEqualTo(1 << 20);
    }

    public static TheoryData<string, Action<string>> Damage => new()
    {
        { "record", volume => Overwrite(Path.Combine(volume, "record.json")) },
        { "layout", volume => Overwrite(Path.Combine(volume, "layout.json")) },
        { "no image", volume => File.Delete(Path.Combine(volume, "image")) },
        { "a directory for an image", volume => DirectoryFor(Path.Combine(volume, "image")) },
        { "no record", volume => File.Delete(Path.Combine(volume, "record.json")) },
        { "a failed sync", volume => File.WriteAllText(Path.Combine(volume, "sync-failed"), "") },
        { "half a change", volume => File.WriteAllText(Path.Combine(volume, $".tmp-{Guid.NewGuid():N}-image"), "") },
        { "half a snapshot", volume => Directory.CreateDirectory(Path.Combine(volume, "snapshots", $".tmp-{Guid.NewGuid():N}-s")) },
        { "half a volume", volume => Directory.CreateDirectory(Path.Combine(volume, "..", $".tmp-{Guid.NewGuid():N}-b")) },
        { "another's directory", volume => Directory.CreateDirectory(Path.Combine(volume, "..", "theirs")) },
        { "a link to a volume", volume => File.CreateSymbolicLink(Path.Combine(volume, "..", "b"), "nowhere") },
    };

    [Theory]
    [MemberData(nameof(Damage))]
    public async Task Whatever_is_done_to_a_pool_that_was_sound_is_told_the_next_time(string what, Action<string> damage)
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync(time: new LaterClock());
        await made.CreateAsync("a");
        (await made.Pool.GetStatusAsync(default)).Health.ShouldBe(PoolHealth.Healthy);

        await Task.Delay(20, TestContext.Current.CancellationToken);   // kernels before 6.13 stamp a change by their tick
        damage(Path.Combine(made.Path, "volumes", "a"));

        (await made.Pool.GetStatusAsync(default)).Problems.ShouldNotBeEmpty(what);
        (await made.Pool.GetStatusAsync(default)).Health.ShouldBe(PoolHealth.Degraded, "and each time after it");
    }

    [Fact]
    public async Task What_was_changed_just_now_is_read_again_since_its_next_change_may_show_in_no_stamp()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("a");
        int read = 0;
        PoolSurvey survey = new(new(made.Path, PoolOnDisk.Name), (_, _) => read++, new StoppedClock(TimeProvider.System.GetUtcNow()));

        survey.Look([]);
        survey.Look([]);

        read.ShouldBe(2);
    }

    private static void Refuse(VolumeName name, StorageErrorKind kind)
    {
        if (name == new VolumeName("a"))
        {
            throw new StorageException(kind, "a", "was told to fail");
        }
    }

    // As many bytes as before, in the same file.
    private static void Overwrite(string path) => File.WriteAllBytes(path, new byte[new FileInfo(path).Length]);

    private static void DirectoryFor(string path)
    {
        File.Delete(path);
        Directory.CreateDirectory(path);
    }

    /// <summary>A clock by which all that happens just now was long ago.</summary>
    private sealed class LaterClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromHours(1);
    }

    private sealed class StoppedClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
