using EveStorage.Cli.Api;

namespace EveStorage.Tests;

public sealed class PoolWatchTests : IAsyncDisposable
{
    private readonly LayeredPool _host = new("", "a", "b", "c");

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_pool_that_fails_as_none_should_ends_neither_the_watch_over_the_others_nor_the_end_of_the_host()
    {
        _host.Pools = _ => $$"""{ "bad": { "Kind": "shelf", "Devices": [ "{{_host["a"]}}" ] }, "worn": { "Kind": "shelf", "Devices": [ "{{_host["b"]}}", "{{_host["c"]}}" ] } }""";
        await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = new("bad") }, new CreatePool { Pool = new("worn") });
        await File.WriteAllTextAsync(Path.Combine(_host["a"], "fault"), "");
        File.Delete(Path.Combine(_host["c"], "shelf"));

        await _host.StartAsync(serve: true);

        EventReport[] told = await _host.Api.WatchEventsAsync(true, new CancellationTokenSource(TimeSpan.FromMinutes(1)).Token)
            .Where(happened => happened.Id is "pool.unreadable" or "pool.degraded").Take(2).ToArrayAsync();
        told.Select(happened => happened.Subject).ShouldBe(["bad", "worn"], ignoreOrder: true);
        await _host.EndAsync();
    }
}
