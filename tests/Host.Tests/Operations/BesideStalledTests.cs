using EveStorage.Cli.Api;
using EveStorage.Host.Locks;
using EveStorage.Host.Operations;

namespace EveStorage.Tests;

/// <summary>Operations that are under way on a pool when a step of another one is left there.</summary>
public sealed class BesideStalledTests : IAsyncLifetime
{
    private readonly TestEngine _host = new();

    public async ValueTask InitializeAsync()
        => await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("b"));

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_neither_goes_on_nor_is_undone_and_is_left_to_the_next_start(bool cancelled)
    {
        StorageLocks locks = _host.Part<StorageLocks>();
        Guid id;
        using (await locks.TakePoolAsync(await locks.KeyOfAsync(TestEngine.Pool, default), "data", "the test", default))
        {
            id = await _host.Api.SubmitAsync(new DeleteVolume { Pool = TestEngine.Pool, Volume = new("b") }, null, default);   // it waits for the lock
            _host.Part<StalledPools>().Add(TestEngine.Pool, new("grow data/a", "has not come back"));
            if (cancelled)
            {
                await _host.Api.CancelOperationAsync(id, default);
            }
        }

        OperationReport ended = await _host.Api.WatchOperationAsync(id, default).LastAsync();

        (await _host.Api.ListVolumesAsync(null, default)).ShouldHaveSingleItem("it was not deleted");
        if (cancelled && ended.State == OperationState.Cancelled)
        {
            return;   // it had not come to its first step yet, and leaves nothing to a start
        }

        ended.State.ShouldBe(OperationState.NeedsAttention);
        ended.Error.ShouldNotBeNull().Message.ShouldStartWith("takes no more changes until the host is started again, which finishes or undoes what it began: grow data/a");
        _host.Part<Journal>().Read(id).Operation.State.IsUnderWay().ShouldBeTrue();
    }
}
