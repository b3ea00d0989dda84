using EveStorage.Testing;

namespace EveStorage.Tests;

public sealed class TryTests
{
    [Fact]
    public async Task Without_an_image_it_makes_one_and_reads_it_back_over_the_wire()
    {
        Ended ended = await CommandLineHost.RunProgramAsync(CommandLineHost.Program, ["try", "--once"]);

        ended.Code.ShouldBe(0, ended.Error);
        ended.Output.ShouldContain("(qcow2)");
        ended.Output.ShouldContain("read back  over NVMe/TCP");
        ended.Output.ShouldMatch("sha256 [0-9a-f]{64}");
        string directory = ended.Output.Split('\n')[0].Split(" in ")[^1];
        Directory.Exists(directory).ShouldBeFalse("it tidies up");
        ended.Output.TrimEnd('\n').Split('\n')[^1].ShouldStartWith("To install:");
    }

    [Fact]
    public async Task A_program_is_told_what_was_tried_and_nothing_is_left()
    {
        using TemporaryDirectory state = new();

        Ended ended = await CommandLineHost.RunProgramAsync("env", [$"XDG_STATE_HOME={state["deep/down"]}", CommandLineHost.Program, "try", "--once", "--json"]);

        ended.Code.ShouldBe(0, ended.Error);
        ended.Json.GetProperty("sha256").GetString()!.Length.ShouldBe(64);
        ended.Json.GetProperty("subsystem").GetString().ShouldStartWith("nqn.");
        Directory.Exists(ended.Json.GetProperty("directory").GetString()).ShouldBeFalse();
        Directory.Exists(state["deep"]).ShouldBeFalse();
    }

    [Fact]
    public async Task With_a_profile_it_makes_that_profiles_pool_and_removes_it()
    {
        using CommandLineHost host = new();

        Ended ended = await host.RunAsync("try", "--once", "--json");

        ended.Code.ShouldBe(0, ended.Error);
        ended.Json.GetProperty("sha256").GetString()!.Length.ShouldBe(64);
        Path.Exists(host["pool"]).ShouldBeFalse("it was made there, and removed");
        Path.Exists(host["state"]).ShouldBeFalse("its journal is the try's own");
    }

    [Fact]
    public async Task What_a_try_keeps_lies_beneath_the_profiles_State()
    {
        using CommandLineHost host = new();

        Ended ended = await host.RunAsync("try", "--once", "--keep", "--json");

        ended.Code.ShouldBe(0, ended.Error);
        ended.Json.GetProperty("directory").GetString()!.ShouldStartWith(host["state/try/"]);
    }

    [Fact]
    public async Task A_profiles_pool_that_is_made_is_refused_and_stays()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");

        Ended ended = await host.RunAsync("try", "--once");

        ended.Code.ShouldBe(6, ended.Error);
        ended.Error.ShouldContain("a try makes a pool of its own");
        (await host.DoAsync("pool", "list", "--json")).Json[0].GetProperty("created").GetBoolean().ShouldBeTrue();
    }

    [Fact]
    public async Task An_image_that_is_none_is_one_line_and_the_exit_code_of_an_import()
    {
        using CommandLineHost host = new();
        await File.WriteAllTextAsync(host["damaged.qcow2"], "QFI\u00fb and no more", TestContext.Current.CancellationToken);

        Ended ended = await CommandLineHost.RunProgramAsync(CommandLineHost.Program, ["try", host["damaged.qcow2"], "--once"]);

        ended.Code.ShouldBe(10, ended.Error);
        ended.Error.TrimEnd('\n').Split('\n').Length.ShouldBe(1, ended.Error);
        ended.Error.ShouldContain("damaged.qcow2");
    }
}
