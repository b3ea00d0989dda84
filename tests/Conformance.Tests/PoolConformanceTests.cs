using EveStorage.Conformance;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The kit finds what is broken, by its name, and nothing where nothing is.</summary>
public class PoolConformanceTests
{
    private static readonly ConformanceCase s_foreign = PoolConformance.ForeignIsLeftAlone(
        async (pool, name) =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(pool.PathOf(name))!);
            await File.WriteAllTextAsync(pool.PathOf(name), "foreign");
        },
        (pool, name) => Task.FromResult(File.Exists(pool.PathOf(name))));

    private static IEnumerable<ConformanceCase> All => PoolConformance.Cases.Append(s_foreign);

    [Fact]
    public async Task A_pool_that_keeps_its_promises_breaks_none() => (await BrokenAsync(pool => new PassingPool(pool))).ShouldBeEmpty();

    [Fact]
    public async Task A_delete_that_forgets_the_mark_is_found()
        => (await BrokenAsync(pool => new ForgetsTheMarkPool(pool))).ShouldContain("What is not ours is not found, not deleted and not taken for what was asked for");

    [Fact]
    public async Task A_revert_that_deletes_too_much_is_found()
        => (await BrokenAsync(pool => new RevertsTooMuchPool(pool))).ShouldContain("A create that is reverted leaves what another operation made");

    [Fact]
    public async Task A_reader_that_may_write_is_found()
        => (await BrokenAsync(pool => new ReadersWritePool(pool))).ShouldContain("An opening to read refuses every change");

    [Fact]
    public void Every_promise_has_a_name_of_its_own() => All.Select(c => c.Name).ShouldBeUnique();

    private static async Task<List<string>> BrokenAsync(Func<IStoragePool, IStoragePool> breakIt)
    {
        List<string> broken = [];
        foreach (ConformanceCase promise in All)
        {
            using TemporaryDirectory directory = new();
            await using IStoragePool pool = breakIt(await new FilePools(directory.Path).MakeAsync());
            if (promise.AppliesTo(pool.Capabilities)
                && (await ConformanceKit.KeepsAsync(pool, RunningPlans.RunAsync, promise, TimeSpan.FromMinutes(2), CancellationToken.None)).Kept == false)
            {
                broken.Add(promise.Name);
            }
        }

        return broken;
    }
}
