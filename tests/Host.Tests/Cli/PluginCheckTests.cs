using System.Text.Json;

namespace EveStorage.Tests;

/// <summary>A plugin held to the contract from the command line.</summary>
public sealed class PluginCheckTests
{
    [Fact]
    public async Task A_backend_is_held_to_all_its_promises_in_a_place_of_its_own_which_is_left_as_it_was()
    {
        using CommandLineHost host = new();
        string place = host["place"];

        Ended ended = await host.RunAsync("plugin", "check", "eve.file", "--device", place, "--set", "Limit=2GiB", "--json");

        JsonElement[] told = [.. ended.Json.EnumerateArray()];
        told.Where(promise => promise.TryGetProperty("reason", out _)).Select(promise => $"{promise}").ShouldBeEmpty();
        ended.Code.ShouldBe(0, ended.Error);
        told.Count(promise => promise.TryGetProperty("kept", out JsonElement kept) && kept.GetBoolean()).ShouldBeGreaterThan(50);
        Path.Exists(place).ShouldBeFalse();
    }

    [Fact]
    public async Task A_transport_is_held_to_its_promises_with_an_initiator_of_the_host()
    {
        using CommandLineHost host = new();

        Ended ended = await host.RunAsync("plugin", "check", "eve.nvmet-user", "--set", "Port=0");

        ended.Code.ShouldBe(0, ended.Output + ended.Error);
        ended.Output.ShouldContain("kept         A host that is not named is refused");
        ended.Output.ShouldEndWith("17 kept, 0 broken, 0 not tried or not claimed\n");
    }

    [Fact]
    public async Task A_pool_of_the_profile_is_checked_where_it_is_and_left_empty()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");

        Ended ended = await host.RunAsync("plugin", "check", "eve.file", "--pool", "data");

        ended.Code.ShouldBe(0, ended.Output + ended.Error);
        ended.Output.ShouldContain(" 0 broken");
        (await host.DoAsync("volume", "list", "--json")).Json.GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task A_place_with_something_in_it_is_refused_and_stays()
    {
        using CommandLineHost host = new();
        Directory.CreateDirectory(host["place"]);
        await File.WriteAllTextAsync(host["place/mine"], "mine", TestContext.Current.CancellationToken);

        Ended ended = await host.RunAsync("plugin", "check", "eve.file", "--device", host["place"]);

        ended.Code.ShouldBe(6, ended.Output);
        Directory.GetFileSystemEntries(host["place"]).ShouldBe([host["place/mine"]]);
    }

    [Theory]
    [InlineData("eve.qcow2", 10, "the kit is about backends and transports")]
    [InlineData("eve.none", 4, "is in none of the plugin directories")]
    public async Task What_it_is_not_about_is_said_in_a_line(string plugin, int code, string line)
    {
        using CommandLineHost host = new();

        Ended ended = await host.RunAsync("plugin", "check", plugin, "--device", host["place"]);

        ended.Code.ShouldBe(code, ended.Error);
        ended.Error.ShouldContain(line);
    }

    [Fact]
    public async Task A_wrong_option_of_the_plugin_is_said_before_anything_is_made()
    {
        using CommandLineHost host = new();

        Ended ended = await host.RunAsync("plugin", "check", "eve.file", "--device", host["place"], "--set", "Limits=1GiB");

        ended.Code.ShouldBe(2, ended.Error);
        ended.Error.ShouldContain("Limits");
        Path.Exists(host["place"]).ShouldBeFalse();
    }
}
