using System.Security.Cryptography;
using EveStorage.Cli.Api;
using EveStorage.Host.Desired;

namespace EveStorage.Tests;

/// <summary>The verb, with the real program.</summary>
public sealed class ApplyTests : IAsyncLifetime
{
    private readonly TestEngine _host = new();

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllBytesAsync(Path.Combine(_host.Bases, "disk.raw"), RandomNumberGenerator.GetBytes(3 << 20));
        Write("""
            {
              "pools": { "data": {} },
              "volumes": {
                "data/a": { "size": "8MiB" }, "data/b": { "size": "8MiB" }, "data/c": { "size": "8MiB" },
                "data/disk": { "image": { "file": "disk.raw", "format": "raw", "verify": true } }
              }
            }
            """);
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task It_shows_what_differs_makes_it_so_and_the_second_time_changes_nothing()
    {
        string plan = await DoAsync("--plan");
        string first = await DoAsync();
        string before = await StateAsync();
        string second = await DoAsync();

        plan.ShouldContain("data/disk  make it of disk.raw");
        first.ShouldContain("data/disk: make it of disk.raw: done");
        second.ShouldBe("nothing differs, of 5\n");
        (await StateAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task What_a_verb_would_refuse_is_refused_in_the_plan_and_the_rest_of_the_file_is_done()
    {
        Write("""{ "pools": { "data": {} } }""");
        await DoAsync();
        Write("""
            {
              "volumes": {
                "data/small": { "size": "1MiB", "image": { "file": "disk.raw", "format": "raw" } },
                "data/locked": { "size": "8MiB", "encrypted": true },
                "data/fits": { "size": "8MiB" }
              },
              "exports": { "data/fits": { "nowhere": { "hosts": {} } } }
            }
            """);

        (int code, string plan, string _) = await RunAsync("--plan");
        (int applied, string output, string error) = await RunAsync();

        code.ShouldNotBe(0);
        plan.ShouldContain("data/small   refused: ");
        plan.ShouldContain("data/locked  refused: ");
        plan.ShouldContain("data/fits    make it of 8MiB");
        plan.ShouldContain("data/fits    export it by nowhere", Case.Sensitive, "it needs the volume, and can't be asked for before");
        applied.ShouldBe(code);
        output.ShouldContain("data/fits: make it of 8MiB: done");
        error.ShouldContain("nowhere: is no transport of profile");
        (await NamesAsync()).ShouldBe(["fits"]);
    }

    [Fact]
    public async Task What_fails_is_told_once_however_often_all_is_looked_at_again_for_another_ones_sake()
    {
        await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("held"));
        DesiredState state = DesiredReader.Read("""{ "volumes": { "data/held": { "absent": true }, "data/other": { "size": "8MiB" } } }"""u8.ToArray(), new());
        List<DesiredResult> told = [];
        DesiredRun run = new(_host.Api, new([]), (request, _, _) => throw new StorageException(request is DeleteVolume ? StorageErrorKind.Busy : StorageErrorKind.Io, request.Subject, "fails"));

        DesiredReport report = await run.RunAsync(state, null, told.Add, default);

        told.Select(result => result.Subject).ShouldBe(["data/held", "data/other"], ignoreOrder: true);
        report.Changes.Count.ShouldBe(2);
    }

    [Fact]
    public async Task What_was_shown_as_refused_is_not_tried_when_all_is_looked_at_again_for_another_ones_sake()
    {
        await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("held"));
        DesiredState state = DesiredReader.Read("""{ "volumes": { "data/held": { "absent": true }, "data/other": { "size": "8MiB" } } }"""u8.ToArray(), new());
        Difference found = await Difference.FindAsync(_host.Api, state, default);
        Difference shown = found with { Changes = [.. found.Changes.Select(change => change.Request is CreateVolume ? change with { Request = null, Refusal = new(StorageErrorKind.NotSupported, change.Subject, "is refused") } : change)] };
        List<ChangeRequest> tried = [];
        DesiredRun run = new(_host.Api, new([]), (request, _, _) =>
        {
            tried.Add(request);
            throw new StorageException(StorageErrorKind.Busy, request.Subject, "is held");
        });

        DesiredReport report = await run.RunAsync(state, shown, _ => { }, default);

        tried.Count.ShouldBeGreaterThan(1);
        tried.ShouldAllBe(request => request is DeleteVolume);
        report.Changes.Select(change => change.Error!.Message).ShouldBe(["is held", "is refused"]);
    }

    [Fact]
    public async Task Parallel_callers_make_it_so_once_and_none_of_them_fails()
    {
        HostProgram[] callers = [.. Enumerable.Range(0, 4).Select(_ => HostProgram.Start(_host, "apply", SiteFile))];

        foreach (HostProgram caller in callers)
        {
            using (caller)
            {
                (int code, string _, string error) = await caller.EndAsync();
                code.ShouldBe(0, error);
            }
        }

        (await DoAsync()).ShouldBe("nothing differs, of 5\n");
    }

    [Fact]
    public async Task What_it_does_not_name_stays_and_what_it_calls_absent_goes_when_that_is_confirmed()
    {
        await DoAsync();
        Write("""{ "volumes": { "data/a": { "absent": true } } }""");

        (int code, string _, string error) = await RunAsync();
        string removed = await DoAsync("--yes");

        code.ShouldBe(2);
        error.ShouldContain("of data/a: add --yes");
        removed.ShouldContain("data/a: remove it and its data");
        (await NamesAsync()).ShouldBe(["b", "c", "disk"]);
    }

    [Theory]
    [InlineData("../outside.raw")]
    [InlineData("/etc/passwd")]
    [InlineData("link.raw")]
    [InlineData("sub/../../outside.raw")]
    [InlineData("/proc/self/environ")]
    public async Task No_image_outside_of_the_directories_is_opened(string name)
    {
        await File.WriteAllBytesAsync(_host["outside.raw"], new byte[1 << 20]);
        File.CreateSymbolicLink(Path.Combine(_host.Bases, "link.raw"), _host["outside.raw"]);
        Write($$"""{ "pools": { "data": {} }, "volumes": { "data/a": { "image": { "file": "{{name}}", "format": "raw" } }, "data/b": { "size": "8MiB" } } }""");

        (int code, string _, string error) = await RunAsync();

        code.ShouldBeOneOf(2, 6);
        error.ShouldContain(name);
        (await NamesAsync()).ShouldBe(["b"], "what fails keeps nothing else from being done");
    }

    [Fact]
    public async Task Without_a_directory_for_images_nothing_is_touched_and_the_image_and_the_setting_are_named()
    {
        Directory.Delete(_host.Bases, recursive: true);

        (int code, string output, string error) = await RunAsync();

        (code, output).ShouldBe((2, ""));
        error.ShouldContain("data/disk: its image disk.raw lies beneath no directory for images");
        error.ShouldContain("the setting Desired:Images");
        await _host.StartAsync();
        (await _host.Api.ListPoolsAsync(default))[0].Created.ShouldBeFalse();
    }

    [Fact]
    public async Task A_plan_shows_an_image_that_can_not_be_opened_as_refused()
    {
        File.Delete(Path.Combine(_host.Bases, "disk.raw"));

        (int code, string output, string _) = await RunAsync("--plan");

        code.ShouldBe(2);
        output.ShouldContain("data/disk  refused: its image disk.raw: is not beneath");
    }

    [Fact]
    public async Task What_can_not_be_is_refused_and_what_needs_it_is_left()
    {
        Write("""{ "pools": { "data": {}, "more": {} }, "volumes": { "more/x": { "size": "8MiB" }, "data/a": { "size": "8MiB", "encrypted": true }, "data/b": { "size": "8MiB" } }, "exports": { "data/a": { "tcp": { "hosts": {} } } } }""");

        (int code, string output, string error) = await RunAsync();

        code.ShouldBe(2, error);
        output.ShouldContain("data/a: export it by tcp to this machine: left");
        error.ShouldContain("more: is no pool of the profile");
        (await NamesAsync()).ShouldBe(["b"]);
    }

    private string SiteFile => _host["site.json"];

    private void Write(string file) => File.WriteAllText(SiteFile, file);

    private async Task<string> DoAsync(params string[] options)
    {
        (int code, string output, string error) = await RunAsync(options);
        code.ShouldBe(0, error);
        return output;
    }

    private Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] options) => HostProgram.RunAsync(_host, ["apply", SiteFile, .. options]);

    private async Task<string[]> NamesAsync()
    {
        await _host.StartAsync();
        return [.. (await _host.Api.ListVolumesAsync(null, default)).Select(volume => $"{volume.Name}")];
    }

    // All that is written down, and how many operations there were.
    private async Task<string> StateAsync()
    {
        List<string> lines = [];
        foreach (string path in Directory.EnumerateFiles(_host.State, "*", SearchOption.AllDirectories).Where(path => !path.EndsWith(".lock", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            lines.Add($"{path} {Convert.ToHexString(SHA256.HashData(await File.ReadAllBytesAsync(path)))} {File.GetLastWriteTimeUtc(path).Ticks}");
        }

        return string.Join('\n', lines);
    }
}
