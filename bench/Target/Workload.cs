using System.Diagnostics;

namespace EveStorage.Bench.Target;

/// <summary>A row of the table: one kind of request, at random places, with a fixed number under way on each queue.</summary>
/// <param name="Write">Whether it writes.</param>
/// <param name="Length">Bytes a request.</param>
/// <param name="Depth">Requests under way on a queue.</param>
/// <param name="Queues">Connections, which one thread drives.</param>
internal sealed record Workload(bool Write, int Length, int Depth, int Queues)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Length >> 10}k {(Write ? "write" : "read")} {Queues}xQD{Depth}";

    /// <summary>Runs it for <paramref name="duration"/> on a disk of <paramref name="size"/> bytes.</summary>
    internal Measured Run(IReadOnlyList<WireClient> clients, long size, TimeSpan duration, int serverProcess, int seed)
    {
        Load load = new(this, clients, size, seed);
        load.Run(TimeSpan.FromMilliseconds(200));
        load.Forget();
        TimeSpan before = ProcessorTime(serverProcess);
        TimeSpan elapsed = load.Run(duration);
        TimeSpan processor = ProcessorTime(serverProcess) - before;
        load.Drain();
        return load.Measure(elapsed, processor);
    }

    private static TimeSpan ProcessorTime(int process)
    {
        using Process running = Process.GetProcessById(process);
        return running.TotalProcessorTime;
    }
}

/// <summary>What a run came to.</summary>
/// <param name="PerSecond">Requests a second.</param>
/// <param name="Mean">Mean latency in microseconds.</param>
/// <param name="Percentile99">The latency that one in a hundred exceeds, in microseconds.</param>
/// <param name="ServerProcessor">Processor microseconds of the server for each request.</param>
internal sealed record Measured(double PerSecond, double Mean, double Percentile99, double ServerProcessor)
{
    /// <summary>The median of each figure.</summary>
    internal static Measured MedianOf(IReadOnlyList<Measured> runs)
        => new(Median(runs, run => run.PerSecond), Median(runs, run => run.Mean), Median(runs, run => run.Percentile99), Median(runs, run => run.ServerProcessor));

    private static double Median(IReadOnlyList<Measured> runs, Func<Measured, double> figure)
        => runs.Select(figure).Order().ElementAt(runs.Count / 2);
}
