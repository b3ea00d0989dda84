using EveStorage.FileBacked;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>What a pool's directory may be, and what is left of it.</summary>
public class PoolLifeTests
{
    [Fact]
    public async Task A_pool_is_made_found_again_and_removed_without_a_trace()
    {
        await using PoolOnDisk made = PoolOnDisk.Unmade();
        IReadOnlyList<string> before = made.Everything();

        OperationRequest request = await RunningPlans.RunAsync(made.PlanCreateAsync(), "pool:data");

        await using (FilePool pool = await made.OpenAsync())
        {
            pool.Id.ShouldBe(request.Ids["pool:data"]);
            (await pool.GetStatusAsync(default)).Health.ShouldBe(PoolHealth.Healthy);
        }

        (await made.PlanCreateAsync()).Steps.Single().Expected.ShouldBe(StepEffect.AlreadySo);
        File.GetUnixFileMode(made.Path).ShouldBe((UnixFileMode)0b111_000_000);
        await RunningPlans.RunAsync(made.Backend.PlanDeletePoolAsync(PoolOnDisk.Name, default));
        made.Everything().ShouldBe(before);
        (await RunningPlans.RunAsync(await made.Backend.PlanDeletePoolAsync(PoolOnDisk.Name, default), RunningPlans.RequestFor(), default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_status_names_all_that_operations_left_unfinished()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("vm42");
        string[] left = [".tmp-0-pool.json", "volumes/.tmp-1-vm1", "volumes/vm42/.tmp-2-image", "volumes/vm42/snapshots/.tmp-3-s"];
        foreach (string entry in left)
        {
            Directory.CreateDirectory(Path.Combine(made.Path, entry));
        }

        PoolStatus status = await made.Pool.GetStatusAsync(default);

        status.Health.ShouldBe(PoolHealth.Degraded);
        left.ShouldAllBe(entry => status.Problems.Any(problem => problem.Contains($" {entry} is left", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_pool_that_was_removed_is_not_made_again_by_a_volume()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        Directory.Delete(made.Path, recursive: true);

        AggregateException e = await Should.ThrowAsync<AggregateException>(() => made.CreateAsync("vm42"));
        e.InnerExceptions.ShouldAllBe(inner => ((StorageException)inner).Kind == StorageErrorKind.NotFound, "there is nothing to undo it in either");

        Directory.Exists(made.Path).ShouldBeFalse();
    }

    [Fact]
    public async Task A_directory_that_was_there_empty_stays_after_the_pool()
    {
        await using PoolOnDisk made = PoolOnDisk.Unmade();
        Directory.CreateDirectory(made.Path, (UnixFileMode)0b111_000_000);

        await RunningPlans.RunAsync(made.PlanCreateAsync(), "pool:data");
        await RunningPlans.RunAsync(made.Backend.PlanDeletePoolAsync(PoolOnDisk.Name, default));

        Directory.GetFileSystemEntries(made.Path).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Reverting_removes_only_what_this_operation_made(bool directoryWasThere)
    {
        await using PoolOnDisk made = PoolOnDisk.Unmade();
        if (directoryWasThere)
        {
            Directory.CreateDirectory(made.Path, (UnixFileMode)0b111_000_000);
        }

        IReadOnlyList<string> before = made.Everything();
        StorageStep step = (await made.PlanCreateAsync()).Steps.Single();
        OperationContext ours = RunningPlans.ContextOf(RunningPlans.RequestFor("pool:data"));

        (await step.ApplyAsync(ours, default)).ShouldBe(StepOutcome.Changed);
        (await step.ApplyAsync(ours, default)).ShouldBe(StepOutcome.Changed, "a crash may have come after it: reverting is still its business");
        (await step.ApplyAsync(RunningPlans.ContextOf(RunningPlans.RequestFor("pool:data")), default)).ShouldBe(StepOutcome.AlreadySo);
        await step.RevertAsync(RunningPlans.ContextOf(RunningPlans.RequestFor("pool:data")), default);
        File.Exists(Path.Combine(made.Path, "pool.json")).ShouldBeTrue();
        await step.RevertAsync(ours, default);
        made.Everything().ShouldBe(before);
    }

    [Fact]
    public async Task A_directory_with_something_in_it_is_refused_and_stays_as_it_is()
    {
        await using PoolOnDisk made = PoolOnDisk.Unmade();
        Directory.CreateDirectory(made.Path, (UnixFileMode)0b111_000_000);
        File.WriteAllText(Path.Combine(made.Path, "holiday.jpg"), "foreign");

        await RefusedAsync(made, "holds 'holiday.jpg'");
    }

    [Fact]
    public async Task No_pool_is_made_in_a_directory_that_others_may_use_and_none_is_found_there_as_in_a_mount_point_without_its_disk()
    {
        await using PoolOnDisk made = PoolOnDisk.Unmade();
        Directory.CreateDirectory(made.Path, (UnixFileMode)0b111_101_101);

        StorageException making = await Should.ThrowAsync<StorageException>(async () => await made.PlanCreateAsync());
        StorageException opening = await Should.ThrowAsync<StorageException>(made.OpenAsync);

        (making.Kind, opening.Kind).ShouldBe((StorageErrorKind.Conflict, StorageErrorKind.NotFound));
        making.Message.ShouldContain("chmod 0700");
        Directory.GetFileSystemEntries(made.Path).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_pool_whose_directory_others_may_use_by_now_is_not_opened()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        File.SetUnixFileMode(made.Path, (UnixFileMode)0b111_101_101);

        (await Should.ThrowAsync<StorageException>(made.OpenAsync)).Message.ShouldContain("chmod 0700");
    }

    [Fact]
    public async Task Somebody_elses_directory_is_never_told_to_be_closed_to_others()
    {
        await using PoolOnDisk made = PoolOnDisk.Unmade();
        Directory.CreateDirectory(made.Path, (UnixFileMode)0b111_101_101);
        File.WriteAllText(Path.Combine(made.Path, "passwd"), "foreign");

        await RefusedAsync(made, "holds 'passwd'");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_symbolic_link_is_refused(bool dangling)
    {
        await using PoolOnDisk made = PoolOnDisk.Unmade();
        string target = $"{made.Path}.target";
        if (!dangling)
        {
            Directory.CreateDirectory(target, (UnixFileMode)0b111_000_000);
        }

        File.CreateSymbolicLink(made.Path, target);

        (await Should.ThrowAsync<StorageException>(async () => await made.PlanCreateAsync())).Kind.ShouldBe(StorageErrorKind.Conflict);
    }

    [Theory]
    [InlineData("evestorage", "someone-else")]
    [InlineData("\"name\": \"data\"", "\"name\": \"other\"")]
    public async Task A_pool_of_another_owner_or_name_is_refused(string ours, string theirs)
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        string mark = Path.Combine(made.Path, "pool.json");
        File.WriteAllText(mark, File.ReadAllText(mark).Replace(ours, theirs, StringComparison.Ordinal));

        (await Should.ThrowAsync<StorageException>(made.OpenAsync)).Kind.ShouldBe(StorageErrorKind.Conflict);
        (await Should.ThrowAsync<StorageException>(async () => await made.Backend.PlanDeletePoolAsync(PoolOnDisk.Name, default))).Kind.ShouldBe(StorageErrorKind.Conflict);
    }

    [Fact]
    public async Task A_pool_of_a_newer_format_is_refused_with_both_numbers()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        File.WriteAllText(Path.Combine(made.Path, "pool.json"), """{ "format": 2, "later": [] }""");

        StorageException e = await Should.ThrowAsync<StorageException>(made.OpenAsync);

        e.Kind.ShouldBe(StorageErrorKind.NotSupported);
        e.Message.ShouldEndWith("has format 2; this program reads up to 1");
    }

    [Theory]
    [InlineData("\"name\": \"data\"", "\"name\": null")]
    [InlineData("\"name\"", "\"title\"")]
    [InlineData("\"madeDirectory\": true", "\"madeDirectory\": 1")]
    [InlineData("\"fileSystem\": \"", "\"fileSystem\": \"Other")]
    [InlineData("\"owner\"", "\"more\": 1, \"owner\"")]
    [InlineData("\"format\": 1", "\"more\": 1, \"format\": 1")]
    [InlineData("}", "")]
    public async Task A_mark_that_is_damaged_is_no_pool_and_stays_as_it_is(string whole, string damaged)
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        string mark = Path.Combine(made.Path, "pool.json");
        File.WriteAllText(mark, File.ReadAllText(mark).Replace(whole, damaged, StringComparison.Ordinal));
        IReadOnlyList<string> before = made.Everything();

        (await Should.ThrowAsync<StorageException>(made.OpenAsync)).Kind.ShouldBe(StorageErrorKind.Corrupt);

        made.Everything().ShouldBe(before);
    }

    [Fact]
    public async Task A_pool_that_holds_a_volume_is_not_removed()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("vm42");

        (await Should.ThrowAsync<StorageException>(async () => await made.Backend.PlanDeletePoolAsync(PoolOnDisk.Name, default))).Kind.ShouldBe(StorageErrorKind.Busy);
    }

    [Fact]
    public async Task A_pool_that_is_not_there_is_not_found()
    {
        await using PoolOnDisk made = PoolOnDisk.Unmade();

        (await Should.ThrowAsync<StorageException>(made.OpenAsync)).Kind.ShouldBe(StorageErrorKind.NotFound);
        Directory.Exists(made.Path).ShouldBeFalse();
        (await made.Backend.ProbeAsync(default)).Capabilities.ShouldNotBeNull();
        Directory.Exists(made.Path).ShouldBeFalse("a probe only looks");
    }

    private static async Task RefusedAsync(PoolOnDisk made, string because)
    {
        IReadOnlyList<string> before = made.Everything();

        StorageException e = await Should.ThrowAsync<StorageException>(async () => await made.PlanCreateAsync());
        StorageException opened = await Should.ThrowAsync<StorageException>(made.OpenAsync);

        (e.Kind, opened.Kind).ShouldBe((StorageErrorKind.Conflict, StorageErrorKind.Conflict));
        e.Message.ShouldContain(because);
        made.Everything().ShouldBe(before);
    }
}
