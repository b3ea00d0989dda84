using EveStorage.Cli.Api;
using EveStorage.Host.Desired;

namespace EveStorage.Tests;

/// <summary>The directory whose files the daemon applies.</summary>
public sealed class DesiredWatchTests : IAsyncLifetime
{
    private readonly FileSystemHost _host = new();

    public async ValueTask InitializeAsync()
    {
        _host.Watched = _host["desired"];
        Directory.CreateDirectory(_host.Watched, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await _host.StartAsync();
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_file_that_is_put_there_is_made_so_and_one_that_takes_its_place_too()
    {
        Put("a.json", """{ "pools": { "data": {} }, "volumes": { "data/a": { "size": "8MiB" } } }""");
        await LookAsync();
        Put("a.json", """{ "volumes": { "data/a": { "size": "16MiB" } } }""");
        await LookAsync();

        (await _host.Api.ListVolumesAsync(null, default)).Select(volume => $"{volume.Name} {volume.Size}").ShouldBe(["a 16MiB"]);
        (await EventsAsync()).ShouldAllBe(said => said.StartsWith("desired.applied"));
    }

    [Fact]
    public async Task The_daemon_applies_what_lies_there_when_it_starts()
    {
        Put("a.json", """{ "pools": { "data": {} }, "volumes": { "data/a": { "size": "8MiB" } } }""");

        await _host.StartAsync(serve: true);

        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        (await _host.Api.ToldAsync(follow: true, limit.Token).FirstAsync(limit.Token)).Id.ShouldBe("desired.applied");
        (await _host.Api.ListVolumesAsync(null, default)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task The_doctor_names_the_file_that_could_not_be_made_so_and_the_reason_until_it_is()
    {
        Put("a.json", """{ "pools": { "data": {} }, "volumes": { "data/a": { "size": "8MiB" } } }""");
        Put("b.json", """{ "volumes": { "data/b": { "size": "8MiB", "image": { "file": "none.raw" } } } }""");
        Put("c.json", "{ half");
        await LookAsync();

        Finding[] failing = [.. (await _host.Api.DiagnoseAsync(default)).Where(found => found.Subject.StartsWith(_host.Watched, StringComparison.Ordinal)).OrderBy(found => found.Subject)];
        Put("b.json", "{}");
        Put("c.json", "{}");
        await LookAsync();

        failing.Select(found => found.Subject).ShouldBe([Path.Combine(_host.Watched, "b.json"), Path.Combine(_host.Watched, "c.json")]);
        failing[0].Message.ShouldStartWith("is not as it says, data/b: its image none.raw");
        failing[0].Command.ShouldBe($"evestorage apply --plan {failing[0].Subject}");
        failing[1].Message.ShouldContain("counts for nothing: ");
        (await _host.Api.DiagnoseAsync(default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Where_no_daemon_runs_the_doctor_names_the_files_that_count_for_nothing()
    {
        Put("c.json", "{ half");

        (await _host.Api.DiagnoseAsync(default)).ShouldContain(found => found.Subject == Path.Combine(_host.Watched, "c.json"));
    }

    [Fact]
    public async Task A_file_that_goes_takes_nothing_with_it()
    {
        Put("a.json", """{ "pools": { "data": {} }, "volumes": { "data/a": { "size": "8MiB" } } }""");
        await LookAsync();
        File.Delete(Path.Combine(_host.Watched, "a.json"));
        await LookAsync();

        (await _host.Api.ListVolumesAsync(null, default)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task What_is_wrong_with_a_file_is_told_once_and_keeps_no_other_from_being_made_so()
    {
        Put("a.json", """{ "pools": { "data": """);
        Put("b.json", """{ "pools": { "data": {} }, "volumes": { "data/b": { "size": "8MiB" } } }""");
        Put("c.json", """{ "volumes": { "data/b": { "absent": true } } }""");
        Put(".d.json", """{ "volumes": { "data/b": { "absent": true } } }""");
        File.CreateSymbolicLink(Path.Combine(_host.Watched, "e.json"), "/etc/hostname");
        await LookAsync();
        await LookAsync();

        (await _host.Api.ListVolumesAsync(null, default)).Select(volume => $"{volume.Name}").ShouldBe(["b"]);
        string[] said = [.. (await EventsAsync()).Where(said => said.StartsWith("desired.failed"))];
        said.Length.ShouldBe(3);
        said[0].ShouldStartWith("desired.failed a.json: file: can't be read as JSON");
        said[1].ShouldBe("desired.failed c.json: names data/b, as b.json does: one of them has to go");
        said[2].ShouldContain("symbolic link");
    }

    [Fact]
    public async Task A_directory_that_others_may_write_to_counts_for_nothing()
    {
        Put("a.json", """{ "pools": { "data": {} } }""");
        File.SetUnixFileMode(_host.Watched, (UnixFileMode)0x1FF);
        await LookAsync();

        (await _host.Api.ListPoolsAsync(default)).ShouldAllBe(pool => !pool.Created);
        (await EventsAsync()).ShouldHaveSingleItem().ShouldContain("may be changed by others");
    }

    // By a rename, as it is to be.
    private void Put(string name, string file)
    {
        File.WriteAllText(Path.Combine(_host.Watched, $".new-{name}"), file);
        File.Move(Path.Combine(_host.Watched, $".new-{name}"), Path.Combine(_host.Watched, name), overwrite: true);
    }

    private Task LookAsync() => _host.Part<DesiredWatch>().LookAsync(default);

    private async Task<string[]> EventsAsync()
        => [.. (await _host.Api.ToldAsync().ToListAsync()).Select(said => $"{said.Id} {said.Subject}: {said.Message}")];
}
