using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Operations;
using Microsoft.Extensions.Time.Testing;

namespace EveStorage.Tests;

/// <summary>The records of all volumes, known without reading all of them each time, and never otherwise than they are.</summary>
public sealed class KnownRecordsTests : IAsyncLifetime
{
    private readonly TestEngine _host = new();
    private readonly FakeTimeProvider _time = new();

    public async ValueTask InitializeAsync()
        => await (await _host.StartAsync(serve: true)).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("a"), TestEngine.Create("b"), TestEngine.Create("c"));

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Each_is_read_once_and_again_when_an_operation_had_it_in_hand()
    {
        (KnownRecords known, CountedPool pool) = await OpenAsync();
        await known.OfAsync(pool, default);
        pool.Read.Clear();

        await known.OfAsync(pool, default);
        await _host.DoAsync(TestEngine.Export("b"), TestEngine.Create("d"));
        IReadOnlyList<KeyValuePair<VolumeName, VolumeRecord>> after = await known.OfAsync(pool, default);

        pool.Read.Order().ShouldBe(["b", "d"]);
        after.Select(record => $"{record.Key}").Order().ShouldBe(["a", "b", "c", "d"]);
        after.Single(record => $"{record.Key}" == "b").Value.Exports.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task What_another_process_did_is_seen()
    {
        (KnownRecords known, CountedPool pool) = await OpenAsync();
        await known.OfAsync(pool, default);

        (await HostProgram.RunAsync(_host, "volume", "delete", "data/a", "--yes")).ExitCode.ShouldBe(0);
        (await HostProgram.RunAsync(_host, "volume", "create", "data/z", "8MiB")).ExitCode.ShouldBe(0);

        (await known.OfAsync(pool, default)).Select(record => $"{record.Key}").Order().ShouldBe(["b", "c", "z"]);
    }

    [Fact]
    public async Task Who_asks_again_much_later_reads_all_of_them()
    {
        (KnownRecords known, CountedPool pool) = await OpenAsync();
        await known.OfAsync(pool, default);
        pool.Read.Clear();

        _time.Advance(TimeSpan.FromMinutes(1));
        await known.OfAsync(pool, default);

        pool.Read.Order().ShouldBe(["a", "b", "c"]);
    }

    [Fact]
    public async Task So_does_who_asks_all_the_time()
    {
        (KnownRecords known, CountedPool pool) = await OpenAsync();
        await known.OfAsync(pool, default);
        pool.Read.Clear();

        for (int asked = 0; asked < 4; asked++)
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            await known.OfAsync(pool, default);
        }

        pool.Read.Order().ShouldBe(["a", "b", "c"]);
    }

    [Fact]
    public async Task A_pool_that_does_not_give_them_is_named_and_keeps_nobody_from_another()
    {
        (KnownRecords known, CountedPool pool) = await OpenAsync();
        CountedPool other = new(pool) { Called = new("other"), Until = new TaskCompletionSource().Task };

        Task waiting = known.OfAsync(other, default);
        (await known.OfAsync(pool, default)).Count.ShouldBe(3);

        waiting.IsCompleted.ShouldBeFalse();
        known.BeingRead.ShouldBe([new PoolName("other")]);
    }

    private async Task<(KnownRecords Known, CountedPool Pool)> OpenAsync()
    {
        OperationTools tools = _host.Part<OperationTools>();
        _time.Advance(TimeSpan.FromHours(1));
        return (new(tools.Journal, tools.Planners, _time), new(await _host.Part<OpenPools>().OpenAsync(TestEngine.Pool, default)));
    }

    /// <summary>A pool that notes which records are read.</summary>
    private sealed class CountedPool(IStoragePool inner) : IStoragePool, IPoolRecords
    {
        internal List<string> Read { get; } = [];

        public Guid Id => inner.Id;

        public PoolName Name => Called ?? inner.Name;

        internal PoolName? Called { get; init; }

        internal Task Until { get; init; } = Task.CompletedTask;

        public BackendCapabilities Capabilities => inner.Capabilities;

        public IPoolRecords Records => this;

        public async ValueTask<VolumeRecord?> FindAsync(VolumeName name, CancellationToken cancellationToken)
        {
            Read.Add($"{name}");
            await Until;
            return await inner.Records.FindAsync(name, cancellationToken);
        }

        public ValueTask ReplaceAsync(VolumeName name, VolumeRecord record, CancellationToken cancellationToken) => inner.Records.ReplaceAsync(name, record, cancellationToken);

        public ValueTask<VolumeInfo?> FindVolumeAsync(VolumeName name, CancellationToken cancellationToken) => inner.FindVolumeAsync(name, cancellationToken);

        public IAsyncEnumerable<VolumeInfo> ListVolumesAsync(CancellationToken cancellationToken) => inner.ListVolumesAsync(cancellationToken);

        public ValueTask<PoolStatus> GetStatusAsync(CancellationToken cancellationToken) => inner.GetStatusAsync(cancellationToken);

        public string PathOf(VolumeName name) => inner.PathOf(name);

        public ValueTask<IBlockSource> OpenBlocksAsync(VolumeName name, BlockAccess access, CancellationToken cancellationToken) => inner.OpenBlocksAsync(name, access, cancellationToken);

        public ValueTask<Plan> PlanCreateAsync(VolumeSpec spec, CancellationToken cancellationToken) => inner.PlanCreateAsync(spec, cancellationToken);

        public ValueTask<Plan> PlanRenameAsync(VolumeName name, VolumeName newName, CancellationToken cancellationToken) => inner.PlanRenameAsync(name, newName, cancellationToken);

        public ValueTask<Plan> PlanDeleteAsync(VolumeName name, CancellationToken cancellationToken) => inner.PlanDeleteAsync(name, cancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
