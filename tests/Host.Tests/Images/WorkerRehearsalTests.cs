using EveStorage.Host.Worker;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>What a worker does before its image comes.</summary>
public sealed class WorkerRehearsalTests
{
    [Theory]
    [InlineData("eve.qcow2", "qcow2")]
    [InlineData("eve.zfs-stream", "zfs-stream")]
    public async Task An_image_of_each_format_that_is_written_here_is_imported_whole(string plugin, string kind)
    {
        IReadOnlyList<string> imported = await WorkerRehearsal.RunAsync(new(), [Path.Combine(BuiltHost.Plugins, plugin)], TestContext.Current.CancellationToken);

        imported.ShouldBe([kind]);
    }

    [Fact]
    public async Task A_plugin_that_is_not_there_keeps_no_worker_from_waiting()
    {
        using TemporaryDirectory none = new();

        IReadOnlyList<string> imported = await WorkerRehearsal.RunAsync(new(), [none.Path], TestContext.Current.CancellationToken);

        imported.ShouldBeEmpty();
    }
}
