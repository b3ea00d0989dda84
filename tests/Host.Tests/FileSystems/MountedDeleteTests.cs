namespace EveStorage.Tests;

/// <summary>Who removes a volume by that word does not remove files that are in use.</summary>
public sealed class MountedDeleteTests : IAsyncLifetime
{
    private readonly FileSystemHost _host = new();

    public async ValueTask InitializeAsync() => await _host.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_volume_with_a_mounted_file_system_is_refused_with_the_place_and_the_verb()
    {
        await _host.DoAsync(new Cli.Api.CreatePool { Pool = FileSystemHost.Pool }, FileSystemHost.Create("log"));
        await _host.EndAsync();

        Ended refused = await RunAsync("volume", "delete", "data/log", "--yes");
        Ended removed = await RunAsync("fs", "delete", "data/log", "--yes");

        refused.Code.ShouldBe(7);
        refused.Error.ShouldContain($"mounted at {_host.PointOf("log")}: `evestorage fs delete data/log`");
        removed.Code.ShouldBe(0, removed.Error);
        await _host.StartAsync();
    }

    private Task<Ended> RunAsync(params string[] arguments) => CommandLineHost.RunProgramAsync(CommandLineHost.Program, [.. arguments, "--profile", _host["test.json"]]);
}
