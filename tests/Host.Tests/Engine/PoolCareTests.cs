using EveStorage.Cli.Api;

namespace EveStorage.Tests;

public sealed class PoolCareTests : IAsyncDisposable
{
    private readonly LayeredPool _host = new("", "fresh", "old", "never", "unasked");

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_pool_is_checked_when_its_time_has_come_and_not_before_and_one_without_a_schedule_never()
    {
        _host.Pools = _ => $$"""
            {
              "unasked": { "Kind": "shelf", "Devices": [ "{{_host["unasked"]}}" ] },
              "fresh": { "Kind": "shelf", "Devices": [ "{{_host["fresh"]}}" ], "ScrubEvery": "30.00:00:00" },
              "old": { "Kind": "shelf", "Devices": [ "{{_host["old"]}}" ], "ScrubEvery": "30.00:00:00" },
              "never": { "Kind": "shelf", "Devices": [ "{{_host["never"]}}" ], "ScrubEvery": "01:00:00" }
            }
            """;
        await (await _host.StartAsync()).DoAsync(
            new CreatePool { Pool = new("unasked") }, new CreatePool { Pool = new("fresh") }, new CreatePool { Pool = new("old") }, new CreatePool { Pool = new("never") });
        await CheckedAsync("fresh", TimeSpan.FromDays(29));
        await CheckedAsync("old", TimeSpan.FromDays(31));

        await _host.StartAsync(serve: true);
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(1));
        while (Count("old") < 2 || Count("never") < 1)
        {
            await Task.Delay(50, limit.Token);
        }

        await _host.EndAsync();
        (Count("unasked"), Count("fresh"), Count("old"), Count("never")).ShouldBe((0, 1, 2, 1));
    }

    private async Task CheckedAsync(string drive, TimeSpan ago)
    {
        string path = Path.Combine(_host[drive], "checked");
        await File.WriteAllTextAsync(path, "once\n");
        File.SetLastWriteTimeUtc(path, File.GetLastWriteTimeUtc(path) - ago);
    }

    private int Count(string drive)
    {
        string path = Path.Combine(_host[drive], "checked");
        return File.Exists(path) ? File.ReadAllLines(path).Length : 0;
    }
}
