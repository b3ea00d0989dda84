using EveStorage.Broken;
using EveStorage.Conformance;
using EveStorage.FileBacked;

namespace EveStorage.Tests;

/// <summary>Each of the plugins of tests/BrokenPlugins breaks a promise: the kit says which, in a sentence. One that keeps all breaks none.</summary>
public sealed class BrokenPluginTests
{
    private const string Foreign = "What is not ours is not found, not deleted and not taken for what was asked for";

    private static readonly ConformanceCase s_foreign = PoolConformance.ForeignIsLeftAlone(
        async (pool, name) =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(pool.PathOf(name))!);
            await File.WriteAllTextAsync(pool.PathOf(name), "foreign");
        },
        (pool, name) => Task.FromResult(File.Exists(pool.PathOf(name))));

    internal static IEnumerable<ConformanceCase> OfPools => PoolConformance.Cases.Append(s_foreign);

    [Fact]
    public async Task A_plugin_that_keeps_its_promises_breaks_none() => (await BrokenAsync(new FileBackedPlugin())).ShouldBeEmpty();

    [Fact]
    public async Task One_that_lies_about_a_size()
        => Names(await BrokenAsync(new LiesAboutSizePlugin())).ShouldContain("A volume has the size that it is told to have, to the last byte and rounded no further than its pool says");

    [Fact]
    public async Task One_that_loses_what_was_flushed()
        => Names(await BrokenAsync(new LosesFlushedWritesPlugin())).ShouldContain("What was flushed is read by the volume's path while it is still open");

    [Fact]
    public async Task One_whose_readers_may_write() => Names(await BrokenAsync(new ReadersWritePlugin())).ShouldBe(["An opening to read refuses every change"]);

    [Fact]
    public async Task One_that_throws_what_only_it_knows()
        => (await BrokenAsync(new ThrowsUntypedPlugin())).ShouldBe([new("A volume that is not there can't be opened", false, "no promise (KeyNotFoundException, which is none that may cross a plugin's border)")]);

    [Fact]
    public async Task One_that_claims_thin_volumes_and_takes_their_space()
        => Names(await BrokenAsync(new NotThinPlugin())).ShouldBe(["A thin volume of 1TiB takes next to nothing of the pool"]);

    [Fact]
    public async Task One_that_claims_quotas_and_keeps_none()
        => (await BrokenAsync(new NoQuotaPlugin())).ShouldBe([new("A volume takes no more than its quota, and its neighbour goes on", false, "no OutOfSpace was reported")]);

    [Fact]
    public async Task One_whose_snapshots_are_not_frozen()
        => Names(await BrokenAsync(new ThawedSnapshotsPlugin())).ShouldBe(["A clone starts as its snapshot, has an id of its own, and what is written to one is not in the other"]);

    [Fact]
    public async Task One_whose_clones_share_what_is_written()
        => Names(await BrokenAsync(new SharedClonesPlugin())).ShouldContain("A clone starts as its snapshot, has an id of its own, and what is written to one is not in the other");

    [Fact]
    public async Task One_that_undoes_too_much()
        => Names(await BrokenAsync(new UndoesTooMuchPlugin())).ShouldBe(["Undoing for another operation leaves what is there"]);

    [Fact]
    public async Task One_whose_step_forgets_what_it_did_before_a_crash()
        => (await BrokenAsync(new ForgetsItsOwnPlugin())).ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            report => report.Promise.ShouldBe("A step that its own operation runs again answers that it changed something"),
            report => report.Reason.ShouldBe("create: 'create data/made of 8MiB, all of it now' answers AlreadySo, and would never be reverted"));

    [Fact]
    public async Task One_that_forgets_the_mark() => Names(await BrokenAsync(new ForgetsTheMarkPlugin())).ShouldBe([Foreign]);

    [Fact]
    public async Task One_that_deletes_what_is_open()
        => Names(await BrokenAsync(new DeletesWhatIsOpenPlugin())).ShouldBe(["A volume that is open is busy for a delete, and stays as it is"]);

    [Fact]
    public async Task One_that_takes_a_place_that_is_somebody_elses()
        => Names(await BrokenAsync(new TakesAnyPlacePlugin())).ShouldBe(["A place that has something of somebody else is a conflict, and stays as it is"]);

    [Fact]
    public async Task One_that_never_returns_is_left_and_asked_no_more()
    {
        using FilePools pools = new(new HangsPlugin());

        List<PromiseReport> reports = await ConformanceKit.CheckAsync(pools.Bench, TimeSpan.FromSeconds(10), CancellationToken.None).ToListAsync();

        PromiseReport hung = reports.Single(report => report.Kept == false);
        hung.Promise.ShouldBe("A volume that grows keeps its id and its data, and the rest reads as zeros");
        hung.Reason.ShouldBe("a call did not return within 10 s, although it was cancelled then");
        reports[(reports.IndexOf(hung) + 1)..].ShouldAllBe(report => report.Kept == null && report.Reason == "was not tried, since a call before it did not return");
        reports.Count.ShouldBe(BackendConformance.Cases.Count + PoolConformance.Cases.Count);
    }

    private static IEnumerable<string> Names(IEnumerable<PromiseReport> reports) => reports.Select(report => report.Promise);

    /// <summary>What is broken of all that the kit has, and of what only the author of a backend can try.</summary>
    private static async Task<List<PromiseReport>> BrokenAsync(IStoragePlugin plugin)
    {
        using FilePools pools = new(plugin);
        List<PromiseReport> reports = await ConformanceKit.CheckAsync(pools.Bench, TimeSpan.FromMinutes(2), CancellationToken.None).ToListAsync();
        OperationRequest request = new() { Id = Guid.NewGuid(), Ids = new Dictionary<string, Guid> { [$"pool:{pools.Bench.Spec.Name}"] = Guid.NewGuid() } };
        await ConformancePlans.RunAsync(await pools.Bench.Make().PlanCreatePoolAsync(pools.Bench.Spec, default), request, default);
        await using IStoragePool pool = await pools.Bench.Make().OpenPoolAsync(pools.Bench.Spec.Name, default);
        reports.Add(await ConformanceKit.KeepsAsync(pool, ConformancePlans.RunAsync, s_foreign, TimeSpan.FromMinutes(2), CancellationToken.None));
        return [.. reports.Where(report => report.Kept == false)];
    }
}
