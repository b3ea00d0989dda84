using System.Diagnostics.Metrics;
using EveStorage.Cli.Api;

namespace EveStorage.Tests;

public class MeasuredTests
{
    [Fact]
    public async Task Backends_and_planners_are_timed_without_knowing_it()
    {
        List<string> timed = [];
        using MeterListener listener = new();
        listener.InstrumentPublished = static (instrument, listening) =>
        {
            if (instrument.Meter.Name == "EveStorage.Host")
            {
                listening.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) =>
        {
            lock (timed)
            {
                timed.Add($"{instrument.Name} {tags[0].Value}");
            }
        });
        listener.Start();
        await using TestEngine host = new();

        await (await host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("vm1"));

        lock (timed)
        {
            timed.ShouldContain("evestorage.backend.duration probe");
            timed.ShouldContain("evestorage.backend.duration plan create");
            timed.ShouldContain("evestorage.planning.duration CreateVolume");
        }
    }
}
