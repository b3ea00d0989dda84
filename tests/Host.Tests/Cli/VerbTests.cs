using System.Text.Json;

namespace EveStorage.Tests;

/// <summary>The verbs without a daemon; <see cref="DaemonTests"/> has them with one.</summary>
public sealed class VerbTests
{
    [Fact]
    public async Task A_plan_is_shown_and_nothing_is_done()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");

        Ended plan = await host.DoAsync("volume", "create", "vm1", "64MiB", "--plan");

        plan.Output.ShouldContain("create data/vm1 of 64MiB");
        (await host.DoAsync("volume", "list", "--json")).Json.GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task What_destroys_data_wants_a_yes_where_nobody_can_be_asked()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");
        await host.DoAsync("volume", "create", "vm1", "64MiB");

        Ended refused = await host.RunAsync("volume", "delete", "vm1");

        refused.Code.ShouldBe(2);
        refused.Error.ShouldContain("--yes");
        await host.DoAsync("volume", "delete", "vm1", "--yes");
        (await host.DoAsync("volume", "list", "--json")).Json.GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task An_error_is_a_document_to_a_program_and_its_kind_is_the_exit_code()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");

        Ended missing = await host.RunAsync("volume", "show", "data/nope", "--json");

        missing.Code.ShouldBe(5);
        missing.Output.ShouldBeEmpty();
        JsonElement error = JsonDocument.Parse(missing.Error).RootElement.GetProperty("error");
        error.GetProperty("kind").GetString().ShouldBe("not-found");
        error.GetProperty("subject").GetString().ShouldBe("data/nope");
        error.GetProperty("message").GetString().ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task Without_a_daemon_an_export_says_that_it_needs_one()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");
        await host.DoAsync("volume", "create", "vm1", "64MiB");

        Ended refused = await host.RunAsync("export", "add", "vm1", "--host", CommandLineHost.HostNqn);

        refused.Code.ShouldBe(4);
        refused.Error.ShouldContain("evestorage serve");
    }

    [Fact]
    public async Task What_was_imported_can_be_saved_again()
    {
        using CommandLineHost host = new();
        byte[] disk = new byte[4 << 20];
        new Random(1).NextBytes(disk.AsSpan(0, 1 << 20));
        await File.WriteAllBytesAsync(host["disk.raw"], disk, TestContext.Current.CancellationToken);
        await host.DoAsync("pool", "create", "data");

        await host.DoAsync("image", "import", host["disk.raw"], "vm1", "--format", "raw", "--verify");
        await host.DoAsync("image", "save", "vm1", host["saved.raw"]);
        File.GetUnixFileMode(host["saved.raw"]).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);

        (await File.ReadAllBytesAsync(host["saved.raw"], TestContext.Current.CancellationToken)).AsSpan().SequenceEqual(disk).ShouldBeTrue();
    }

    [Fact]
    public async Task A_daemon_that_starts_or_stops_is_not_taken_for_none()
    {
        using CommandLineHost host = new();
        Directory.CreateDirectory(host["run"]);
        using Linux.FileLock held = Linux.FileLock.TryAcquire(host["run/daemon.lock"], "the test")!;

        Ended refused = await host.RunAsync("pool", "list");

        refused.Code.ShouldBe(7);
        refused.Error.ShouldContain("is starting or stopping");
        (await host.RunAsync("plugin", "check", "eve.file", "--pool", "data")).Code.ShouldBe(7);
    }

    [Fact]
    public async Task Snapshots_of_one_moment_are_of_one_pool_and_each_is_named_once()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");
        await host.DoAsync("volume", "create", "vm1", "4MiB");

        Ended two = await host.RunAsync("volume", "snapshot", "data/vm1@a", "other/vm1@a");
        Ended twice = await host.RunAsync("volume", "snapshot", "vm1@a", "data/vm1@a");

        (two.Code, twice.Code).ShouldBe((2, 2));
        two.Error.ShouldContain("one moment is one pool's");
        twice.Error.ShouldContain("each once");
        (await host.DoAsync("volume", "show", "vm1", "--json")).Json.GetProperty("snapshots").GetArrayLength().ShouldBe(0);
    }

    [Theory]
    [InlineData("mkfifo", "is neither a file nor a block device")]
    [InlineData("touch", "is empty")]
    public async Task An_image_that_is_none_is_refused_with_a_sentence(string maker, string sentence)
    {
        using CommandLineHost host = new();
        (await CommandLineHost.RunProgramAsync(maker, [host["image"]])).Code.ShouldBe(0);
        using FileStream writer = new(host["image"], FileMode.Open, FileAccess.ReadWrite);

        Ended refused = await host.RunAsync("image", "inspect", host["image"], "--format", "raw");

        refused.Code.ShouldBeOneOf(2, 9);
        refused.Error.ShouldContain(sentence);
    }

    [Fact]
    public async Task A_save_that_is_only_planned_or_fails_leaves_no_file()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");
        await host.DoAsync("volume", "create", "vm1", "64MiB");

        await host.DoAsync("image", "save", "vm1", host["planned.raw"], "--plan");
        (await host.RunAsync("image", "save", "nope", host["failed.raw"])).Code.ShouldBe(5);

        File.Exists(host["planned.raw"]).ShouldBeFalse();
        File.Exists(host["failed.raw"]).ShouldBeFalse();
    }
}
