using EveStorage;
using EveStorage.Conformance;
using Xunit;

namespace Samples.Btrfs.Tests;

/// <summary>The promises of the contract, held against the backend in a directory of the btrfs that the variable BTRFS names.</summary>
public sealed class KitTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);
    private static readonly BtrfsOptions s_options = new() { Quotas = true };

    private static readonly ConformanceCase s_foreign = PoolConformance.ForeignIsLeftAlone(
        static async (pool, name) =>
        {
            string image = pool.PathOf(name);
            Directory.CreateDirectory(Path.GetDirectoryName(image)!);
            await File.WriteAllTextAsync(image, "foreign");
        },
        static (pool, name) => Task.FromResult(File.Exists(pool.PathOf(name)) && File.ReadAllText(pool.PathOf(name)) == "foreign"));

    public static TheoryData<string> OfBackends => [.. BackendConformance.Cases.Where(promise => promise is { IsAboutForeign: false, Needs: VolumeTraits.None }).Select(promise => promise.Name)];

    public static TheoryData<string> OfPools =>
        [.. PoolConformance.Cases.Append(s_foreign).Where(promise => promise is { Claims: null, Ability: null } && !promise.Needs.HasFlag(VolumeTraits.Reserved)).Select(promise => promise.Name)];

    [Theory]
    [MemberData(nameof(OfBackends))]
    public async Task The_backend_keeps_its_promise(string name)
    {
        PromiseReport report = await ConformanceKit.KeepsAsync(NewBench(), BackendConformance.Cases.Single(promise => promise.Name == name), s_limit, CancellationToken.None);

        Assert.Null(report.Reason);
    }

    [Theory]
    [MemberData(nameof(OfPools))]
    public async Task A_pool_keeps_its_promise(string name)
    {
        BackendBench bench = NewBench();
        OperationRequest request = new() { Id = Guid.NewGuid(), Ids = new Dictionary<string, Guid> { [$"pool:{bench.Spec.Name}"] = Guid.NewGuid() } };
        await ConformancePlans.RunAsync(await bench.Make().PlanCreatePoolAsync(bench.Spec, CancellationToken.None), request, CancellationToken.None);
        await using IStoragePool pool = await bench.Make().OpenPoolAsync(bench.Spec.Name, CancellationToken.None);
        ConformanceCase promise = PoolConformance.Cases.Append(s_foreign).Single(promise => promise.Name == name);

        PromiseReport report = await ConformanceKit.KeepsAsync(pool, bench.Run, promise, s_limit, CancellationToken.None);

        Assert.True(promise.AppliesTo(pool), "it is claimed");
        Assert.Null(report.Reason);
    }

    private static BackendBench NewBench()
    {
        string btrfs = Environment.GetEnvironmentVariable("BTRFS") ?? throw new InvalidOperationException("BTRFS names no directory of a btrfs: mount one, as root");
        PoolSpec spec = new() { Name = new("kit"), Devices = [Path.Combine(btrfs, $"{Guid.NewGuid():N}")] };
        PluginServices services = new()
        {
            Loggers = Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance,
            Time = TimeProvider.System,
            Events = new NoEvents(),
            Name = $"{spec.Name}",
            Devices = spec.Devices,
        };
        return new() { Make = () => new BtrfsBackend(s_options, services), Spec = spec, Run = ConformancePlans.RunAsync };
    }

    private sealed class NoEvents : IEventSink
    {
        public void Report(StorageEvent storageEvent)
        {
            // the backend tells none
        }
    }
}
