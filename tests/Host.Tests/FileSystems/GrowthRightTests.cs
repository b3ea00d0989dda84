using EveStorage.Cli.Api;

namespace EveStorage.Tests;

/// <summary>Who may mount a file system may not be allowed to grow it.</summary>
public sealed class GrowthRightTests : IAsyncLifetime
{
    private readonly FileSystemHost _host = new();

    public async ValueTask InitializeAsync() => await _host.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Without_the_capability_growing_is_refused_by_its_name_before_anything_has_grown()
    {
        await _host.DoAsync(new CreatePool { Pool = FileSystemHost.Pool }, FileSystemHost.Create("log", kind: "ext4"));
        await _host.EndAsync();

        Ended refused = await CommandLineHost.RunProgramAsync(
            "setpriv", ["--bounding-set", "-sys_resource", CommandLineHost.Program, "fs", "grow", "data/log", "64MiB", "--profile", _host["test.json"]]);

        refused.Code.ShouldBe(4);
        refused.Error.ShouldStartWith("evestorage: data/log: grows only by who has the capability CAP_SYS_RESOURCE");
        await _host.StartAsync();
        (await _host.Api.ListVolumesAsync(null, default)).ShouldHaveSingleItem().Size.ShouldBe(ByteSize.MiB(32));
    }
}
