using EveStorage.Cli.Api;
using EveStorage.Host.Images;
using EveStorage.Host.Worker;
using EveStorage.Testing;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>Workers that are started before there is an image for them.</summary>
public sealed class SpareWorkerTests
{
    [Fact]
    public async Task One_that_is_kept_ready_does_its_work_and_is_replaced_when_that_is_done()
    {
        await using TestEngine host = new();
        using SpareWorker spare = SpareWorker.Always(isWanted: true, Path.Combine(BuiltHost.Plugins, "eve.raw"), host["no-plugin"]);
        ImageConversion images = TestConversion.Of(host, spare);
        await File.WriteAllBytesAsync(host["disk.img"], new byte[1 << 20], TestContext.Current.CancellationToken);

        using SafeFileHandle file = File.OpenHandle(host["disk.img"]);
        await using ImageInput image = new(file, "disk.img");
        ImageReport report = await images.InspectAsync(image, new() { Format = "raw" }, TestContext.Current.CancellationToken);

        report.VirtualSize.ShouldBe(ByteSize.MiB(1));
        using IdleWorker? next = spare.Take();
        next.ShouldNotBeNull().Child.HasEnded.ShouldBeFalse();
        spare.Take().ShouldBeNull("it is replaced when an image is done with, and not before");
    }

    [Fact]
    public async Task One_that_was_ended_while_it_waited_is_given_to_nobody()
    {
        using SpareWorker spare = SpareWorker.Always(isWanted: true);
        IdleWorker waiting = spare.Waiting.ShouldNotBeNull();

        waiting.Child.Kill();

        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(1));
        while (!waiting.Child.HasEnded)
        {
            await Task.Delay(10, limit.Token);
        }

        spare.Take().ShouldBeNull("who asks starts one then");
    }

    [Fact]
    public void Where_none_is_wanted_there_is_none_and_none_follows()
    {
        using SpareWorker spare = SpareWorker.Always(isWanted: false);

        spare.Replace();

        spare.Take().ShouldBeNull();
    }
}
