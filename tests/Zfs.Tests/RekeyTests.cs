using System.Runtime.CompilerServices;
using EveStorage.Testing;
using EveStorage.Zfs;

namespace EveStorage.Tests;

/// <summary>A change of a pool's key, and a host that is killed in it.</summary>
public sealed class RekeyTests : IAsyncLifetime, IKeyProvider
{
    private static readonly KeyName s_before = new("a");
    private static readonly KeyName s_after = new("b");

    private readonly OperationRequest _request = RunningPlans.RequestFor();
    private StandIn _zfs = null!;

    public async ValueTask InitializeAsync()
    {
        _zfs = await StandIn.OpenAsync(this, s_before);
        Zpool tank = _zfs.Pool.Zpool;
        await tank.SetAsync(tank.Root, [Property.Set(Property.PoolKey, s_before)], default);
        using KeyMaterial key = await GetAsync(s_before, default);
        await tank.Tools.ZfsAsync("data", ["change-key", tank.Volumes], key, default);
    }

    public ValueTask DisposeAsync()
    {
        _zfs.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_new_key_opens_the_pool_and_the_one_before_no_more()
    {
        await RunningPlans.RunAsync(await _zfs.Pool.PlanRekeyAsync(s_after, default), _request, default);

        (await OpenersAsync()).ShouldBe(["b"]);
        (await WrappedAsync()).ShouldBe("b");
        _zfs.Pool.Key.ShouldBe(s_after);
    }

    // Each command is a process: EVESTORAGE_LONG=1 takes every pair of moments.
    public static MatrixTheoryData<int, int> Cuts => new(Enumerable.Range(0, 4), Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1" ? Enumerable.Range(0, 4) : [2]);

    [Theory]
    [MemberData(nameof(Cuts))]
    public async Task One_that_is_cut_short_and_undone_and_that_cut_short_as_well_is_opened_by_a_key_that_it_names_throughout(int run, int undo)
    {
        await CutAsync(run, (step, context) => step.ApplyAsync(context, default).AsTask());
        (await OpenersAsync()).ShouldContain(await WrappedAsync());
        await CutAsync(undo, (step, context) => step.RevertAsync(context, default).AsTask());
        (await OpenersAsync()).ShouldContain(await WrappedAsync());

        await CutAsync(null, (step, context) => step.RevertAsync(context, default).AsTask());

        (await OpenersAsync()).ShouldBe(["a"]);
        (await WrappedAsync()).ShouldBe("a");
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public async Task One_that_is_cut_short_twice_is_done_by_running_it_again(int first, int second)
    {
        await CutAsync(first, (step, context) => step.ApplyAsync(context, default).AsTask());
        await CutAsync(second, (step, context) => step.ApplyAsync(context, default).AsTask());
        (await OpenersAsync()).ShouldContain(await WrappedAsync());

        await CutAsync(null, (step, context) => step.ApplyAsync(context, default).AsTask());

        (await OpenersAsync()).ShouldBe(["b"]);
        (await WrappedAsync()).ShouldBe("b");
    }

    [Fact]
    public async Task Another_one_waits_until_that_which_was_cut_short_is_over()
    {
        await CutAsync(2, (step, context) => step.ApplyAsync(context, default).AsTask());
        _zfs.CutAfter(null);

        Plan other = await _zfs.Pool.PlanRekeyAsync(new("c"), default);

        (await Should.ThrowAsync<StorageException>(() => RunningPlans.RunAsync(other, RunningPlans.RequestFor(), default))).Kind.ShouldBe(StorageErrorKind.Conflict);
        (await OpenersAsync()).ShouldContain(await WrappedAsync());
    }

    // As a start does: planned anew, by what is in the pool by then.
    private async Task CutAsync(int? commands, Func<StorageStep, OperationContext, Task> act)
    {
        StorageStep step = (await _zfs.Pool.PlanRekeyAsync(s_after, default)).Steps.Single();
        _zfs.CutAfter(commands);
        try
        {
            await act(step, RunningPlans.ContextOf(_request));
        }
        catch (StorageException e) when (commands is not null)
        {
            e.Message.ShouldContain("cut short");
        }
    }

    private async Task<string[]> OpenersAsync()
        => [.. (await _zfs.Pool.Zpool.FindAsync("tank", default, Property.PoolKey, Property.PoolNextKey)).ShouldNotBeNull().OfType<string>()];

    private async Task<string> WrappedAsync() => $"{(char)(await _zfs.WrappedAsync())[0]}";

    ValueTask<IReadOnlyList<string>> IKeyProvider.ProbeAsync(CancellationToken cancellationToken) => new([]);

    async IAsyncEnumerable<KeyName> IKeyProvider.ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        yield break;
    }

    // The key that is called "a" is of that letter.
    public ValueTask<KeyMaterial> GetAsync(KeyName name, CancellationToken cancellationToken)
    {
        KeyMaterial key = new(32);
        key.Bytes.Fill((byte)$"{name}"[0]);
        return new(key);
    }

    ValueTask<Plan> IKeyProvider.PlanCreateAsync(KeyName name, int length, CancellationToken cancellationToken) => new(Plan.Of());

    ValueTask<Plan> IKeyProvider.PlanDeleteAsync(KeyName name, CancellationToken cancellationToken) => new(Plan.Of());
}
