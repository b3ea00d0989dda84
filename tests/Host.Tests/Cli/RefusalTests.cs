using System.Text.Json;
using System.Text.Json.Nodes;
using EveStorage.Cli;
using EveStorage.Cli.Api;

namespace EveStorage.Tests;

/// <summary>What is refused says why in a line, and by the same code whichever verb refuses it.</summary>
public sealed class RefusalTests
{
    [Fact]
    public async Task What_exists_is_not_made_again_unless_that_is_enough()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");
        await host.DoAsync("volume", "create", "vm1", "8M");
        await host.DoAsync("volume", "snapshot", "vm1@a");

        (await host.RunAsync("pool", "create", "data")).Code.ShouldBe(6);
        (await host.RunAsync("volume", "create", "vm1", "8M")).Code.ShouldBe(6);
        (await host.RunAsync("volume", "create", "vm1", "8M", "--thick")).Code.ShouldBe(6);
        (await host.RunAsync("volume", "clone", "vm1@a", "vm1")).Code.ShouldBe(6);
        await host.DoAsync("pool", "create", "data", "--if-missing");
        (await host.DoAsync("volume", "create", "vm1", "8M", "--if-missing")).Output.ShouldContain("is there already");
        (await host.RunAsync("volume", "create", "vm1", "9M", "--if-missing")).Code.ShouldBe(6);
    }

    [Theory]
    [InlineData("pool")]
    [InlineData("volume")]
    [InlineData("fs")]
    [InlineData("export")]
    public async Task A_list_has_what_can_be_listed_and_fails_where_a_pool_can_not_be_looked_into(string what)
    {
        using CommandLineHost host = new();
        await MakeOneSeenPoolOfTwoAsync(host);

        Ended list = await host.RunAsync(what, "list");
        Ended forPrograms = await host.RunAsync(what, "list", "--json");

        list.Code.ShouldBe(4);
        list.Error.ShouldBe("evestorage: far: backend tape: is provided by no usable plugin: see `evestorage plugin list`\n");
        list.Output.Contains("data", StringComparison.Ordinal).ShouldBe(what is "pool" or "volume");
        forPrograms.Code.ShouldBe(4);
        forPrograms.Json.GetArrayLength().ShouldBe(what switch { "pool" => 2, "volume" => 1, _ => 0 });
        JsonDocument.Parse(forPrograms.Error).RootElement.GetProperty("error").GetProperty("subject").GetString().ShouldBe("far");
    }

    [Fact]
    public async Task Where_a_pool_can_not_be_looked_into_a_volume_is_named_with_its_pool()
    {
        using CommandLineHost host = new();
        await MakeOneSeenPoolOfTwoAsync(host);

        Ended made = await host.RunAsync("volume", "create", "vm2", "8M");
        Ended deleted = await host.RunAsync("volume", "delete", "vm1", "--yes");

        made.Code.ShouldBe(2);
        made.Error.ShouldContain("could be in far, too");
        deleted.Code.ShouldBe(2);
        deleted.Error.ShouldContain("write data/vm1 if that one is meant");
        await host.DoAsync("volume", "delete", "data/vm1", "--yes");
    }

    [Fact]
    public void A_list_does_not_fail_for_a_pool_that_a_person_locked_or_that_somebody_is_changing()
    {
        PoolReport Unseen(StorageErrorKind kind, bool locked = false)
            => new() { Name = new("far"), Kind = "file", Created = false, Locked = locked, Error = new(kind, "far", "is not looked into") };

        UnseenPools.CodeOf([Unseen(StorageErrorKind.Unavailable, locked: true), Unseen(StorageErrorKind.Busy)]).ShouldBe(ExitCodes.Success);
        UnseenPools.CodeOf([Unseen(StorageErrorKind.Busy), Unseen(StorageErrorKind.Corrupt)]).ShouldBe(ExitCodes.Of(StorageErrorKind.Corrupt));
    }

    [Fact]
    public async Task A_thick_volume_takes_its_space_at_once()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");

        await host.DoAsync("volume", "create", "vm1", "8M", "--thick");

        (await host.DoAsync("volume", "show", "vm1", "--json")).Json.GetProperty("allocated").GetInt64().ShouldBeGreaterThanOrEqualTo(8 << 20);
    }

    [Fact]
    public async Task A_volume_of_no_size_and_a_size_below_the_images_are_wrong_arguments()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");
        await File.WriteAllBytesAsync(host["disk.raw"], new byte[1 << 20], TestContext.Current.CancellationToken);

        (await host.RunAsync("volume", "create", "vm1", "0")).Code.ShouldBe(2);
        (await host.RunAsync("image", "import", host["disk.raw"], "vm1", "--format", "raw", "--size", "512K")).Code.ShouldBe(2);
    }

    [Fact]
    public async Task A_pipe_is_no_image_and_nobody_waits_for_its_writer()
    {
        using CommandLineHost host = new();
        (await CommandLineHost.RunProgramAsync("mkfifo", [host["pipe"]])).Code.ShouldBe(0);

        Ended ended = await host.RunAsync("image", "inspect", host["pipe"]);

        ended.Code.ShouldBe(2);
        ended.Error.ShouldContain("neither a file nor a block device");
    }

    [Fact]
    public async Task A_file_to_save_to_has_a_directory_and_is_not_there()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");
        await host.DoAsync("volume", "create", "vm1", "8M");

        (await host.RunAsync("image", "save", "vm1", host["none/disk.raw"])).Code.ShouldBe(2);
        Ended there = await host.RunAsync("image", "save", "vm1", host.Profile);

        there.Code.ShouldBe(6);
        there.Error.ShouldContain("choose another name");
    }

    [Fact]
    public async Task An_image_that_is_damaged_has_one_exit_code_whatever_reads_it()
    {
        using CommandLineHost host = new();
        await File.WriteAllTextAsync(host["damaged.qcow2"], "QFI\u00fb and no more", TestContext.Current.CancellationToken);
        await host.DoAsync("pool", "create", "data");

        Ended imported = await host.RunAsync("image", "import", host["damaged.qcow2"], "vm1");
        Ended tried = await CommandLineHost.RunProgramAsync(CommandLineHost.Program, ["try", host["damaged.qcow2"], "--once"]);

        imported.Code.ShouldNotBe(0);
        tried.Code.ShouldBe(imported.Code, tried.Error);
    }

    [Fact]
    public async Task A_volume_with_snapshots_says_how_both_go()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");
        await host.DoAsync("volume", "create", "vm1", "8M");
        await host.DoAsync("volume", "snapshot", "vm1@a");

        (await host.RunAsync("volume", "delete", "vm1", "--yes")).Error.ShouldContain("--snapshots");
        await host.DoAsync("volume", "delete", "vm1", "--yes", "--snapshots");
    }

    [Fact]
    public async Task An_operation_is_named_by_the_beginning_of_its_id()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");
        string id = (await host.DoAsync("operation", "list", "--json")).Json[0].GetProperty("id").GetString()!;

        (await host.DoAsync("operation", "show", id[..6])).Output.ShouldContain(id);
        (await host.DoAsync("operation", "cancel", id[..6])).Output.ShouldContain("had ended already");
        (await host.RunAsync("operation", "show", "none")).Code.ShouldBe(5);
    }

    [Fact]
    public async Task Events_without_a_daemon_are_none_to_show() => (await new CommandLineHost().RunAsync("events")).Code.ShouldBe(4);

    [Fact]
    public async Task A_pool_that_is_not_made_is_a_finding_with_its_command()
    {
        using CommandLineHost host = new();

        Ended ended = await host.RunAsync("doctor", "--json");

        ended.Code.ShouldBe(11);
        ended.Json[0].GetProperty("command").GetString().ShouldBe("evestorage pool create data");
    }

    [Fact]
    public async Task Doctor_names_what_a_declared_part_lacks_here()
    {
        using CommandLineHost host = new();
        await File.WriteAllTextAsync(host.Profile, $$"""
            {
              "State": "{{host["state"]}}", "Run": "{{host["run"]}}",
              "Plugins": { "Enabled": ["eve.file", "eve.keys"] },
              "Keys": { "Kind": "key-file", "Options": { "Directory": "{{host["no-keys"]}}" } },
              "Pools": { "data": { "Kind": "file", "Devices": ["{{host["pool"]}}"] } }
            }
            """, TestContext.Current.CancellationToken);

        Ended ended = await host.RunAsync("doctor", "--json");

        ended.Json.EnumerateArray().Single(finding => finding.GetProperty("subject").GetString() == "keys").GetProperty("message").GetString()!.ShouldContain(host["no-keys"]);
    }

    // The pool `data` with the volume `vm1`, and one whose plugin nobody has.
    private static async Task MakeOneSeenPoolOfTwoAsync(CommandLineHost host)
    {
        await host.DoAsync("pool", "create", "data");
        await host.DoAsync("volume", "create", "vm1", "8M");
        JsonNode profile = JsonNode.Parse(await File.ReadAllTextAsync(host.Profile, TestContext.Current.CancellationToken))!;
        profile["Pools"]!["far"] = new JsonObject { ["Kind"] = "tape" };
        await File.WriteAllTextAsync(host.Profile, profile.ToJsonString(), TestContext.Current.CancellationToken);
    }
}
