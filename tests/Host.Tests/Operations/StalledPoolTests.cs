using System.Diagnostics;
using System.Text.Json.Nodes;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The real daemon with a plugin that is broken: what it does to its own pool, and to nothing else.</summary>
public sealed class StalledPoolTests : IDisposable
{
    private readonly CommandLineHost _host = new();

    public StalledPoolTests()
    {
        BuiltHost.CopyPlugin(Path.Combine(BuiltHost.Fixtures, "broken.hangs"), _host["plugins/broken.hangs"]);
        JsonNode profile = JsonNode.Parse(File.ReadAllText(_host.Profile))!;
        profile["Plugins"]!["Directories"] = new JsonArray(_host["plugins"]);
        profile["Plugins"]!["Enabled"]!.AsArray().Add("broken.hangs");
        profile["Pools"]!["stuck"] = new JsonObject { ["Kind"] = "broken", ["Devices"] = new JsonArray(_host["stuck"]) };
        File.WriteAllText(_host.Profile, profile.ToJsonString());
        Stall(TimeSpan.FromSeconds(10));
    }

    // It holds for the healthy pool as well, which a busy machine keeps waiting, too.
    private void Stall(TimeSpan limit)
    {
        JsonNode profile = JsonNode.Parse(File.ReadAllText(_host.Profile))!;
        profile["Operations"] = new JsonObject { ["Stall"] = $"{limit}", ["Stop"] = "00:00:01" };
        File.WriteAllText(_host.Profile, profile.ToJsonString());
    }

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task A_step_that_never_comes_back_is_named_and_left_and_its_pool_alone_takes_no_more_changes_until_the_next_start_finishes_it()
    {
        Process daemon = await _host.ServeAsync();
        await MakeAsync();

        Ended grown = await _host.RunAsync("volume", "resize", "stuck/a", "16MiB");
        Ended next = await _host.RunAsync("volume", "create", "stuck/b", "8MiB");
        Ended found = await _host.RunAsync("doctor");

        grown.Error.ShouldContain("grow stuck/a to 16MiB: has not come back: plugin broken.hangs said nothing of it for 10 s, and did not end it within 1 s of being told to");
        next.Code.ShouldNotBe(0);
        next.Error.ShouldContain("stuck: takes no more changes until the host is started again, which finishes or undoes what it began: grow stuck/a");
        found.Output.ShouldContain("takes no more changes until the host is started again");
        (await _host.DoAsync("events")).Output.ShouldContain("pool.stalled");
        (await _host.DoAsync("volume", "show", "stuck/a", "--json")).Json.GetProperty("size").GetInt64().ShouldBe(8 << 20);
        await _host.DoAsync("volume", "create", "data/b", "8MiB");
        await _host.DoAsync("volume", "resize", "data/a", "16MiB");

        (await CommandLineHost.StopAsync(daemon)).ShouldBe(0);
        Stall(TimeSpan.FromSeconds(1));   // only what was left is tried
        daemon = await _host.ServeAsync();
        Directory.EnumerateFiles(_host["state/operations"], "*.lock").Count(IsHeld).ShouldBe(1, "the start did not get it back either, and keeps it from everybody");
        (await CommandLineHost.StopAsync(daemon)).ShouldBe(0);

        Stall(TimeSpan.FromSeconds(10));
        Enter("ReadersWritePlugin");
        await _host.ServeAsync();
        (await _host.DoAsync("volume", "show", "stuck/a", "--json")).Json.GetProperty("size").GetInt64().ShouldBe(16 << 20);
        await _host.DoAsync("volume", "create", "stuck/b", "8MiB");
        (await _host.DoAsync("doctor")).Output.ShouldNotContain("stuck");
    }

    private static bool IsHeld(string path)
    {
        using FileLock? taken = FileLock.TryAcquire(path, "the test");
        return taken is null;
    }

    // The same plugin, with another of the broken ones in it.
    private void Enter(string plugin)
    {
        string manifest = _host["plugins/broken.hangs/plugin.json"];
        JsonNode read = JsonNode.Parse(File.ReadAllText(manifest))!;
        read["entry"] = $"EveStorage.Broken.{plugin}";
        File.WriteAllText(manifest, read.ToJsonString());
    }

    [Fact]
    public async Task Planning_that_never_comes_back_is_told_and_since_it_changes_nothing_its_pool_goes_on()
    {
        Enter("HangsInPlanPlugin");
        Process daemon = await _host.ServeAsync();
        await MakeAsync();

        Ended deleted = await _host.RunAsync("volume", "delete", "stuck/a", "--yes");

        deleted.Error.ShouldContain("stuck/a: has not come back from planning delete-volume: nothing was said of it for 10 s");
        await _host.DoAsync("volume", "create", "stuck/b", "8MiB");
        await _host.DoAsync("volume", "delete", "data/a", "--yes");
        (await _host.DoAsync("doctor")).Output.ShouldNotContain("stuck");
        (await CommandLineHost.StopAsync(daemon)).ShouldBe(0);
    }

    [Fact]
    public async Task What_a_plugin_throws_that_may_not_cross_its_border_is_told_with_its_name_and_the_change_is_undone()
    {
        Enter("ThrowsInStepPlugin");
        await _host.ServeAsync();
        await MakeAsync();

        Ended grown = await _host.RunAsync("volume", "resize", "stuck/a", "16MiB");
        Ended cloned = await _host.RunAsync("volume", "create", "stuck/b", "8MiB");

        grown.Error.ShouldContain("nonsense (KeyNotFoundException: a fault of plugin broken.hangs, please report it)");
        cloned.Code.ShouldBe(0, cloned.Error);
        (await _host.DoAsync("volume", "show", "stuck/a", "--json")).Json.GetProperty("size").GetInt64().ShouldBe(8 << 20);
    }

    private async Task MakeAsync()
    {
        foreach (string pool in (string[])["data", "stuck"])
        {
            await _host.DoAsync("pool", "create", pool);
            await _host.DoAsync("volume", "create", $"{pool}/a", "8MiB");
        }
    }
}
