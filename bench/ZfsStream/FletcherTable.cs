using System.Diagnostics;
using System.Runtime.InteropServices;
using EveStorage.ZfsStream;

namespace EveStorage.Bench.ZfsStream;

/// <summary>Fletcher-4 as a replay sums it up, beside a plain loop and a copy of the same bytes: medians of GB/s, in turns.</summary>
internal static class FletcherTable
{
    // Each round moves this much, so that a clock's tick is nothing beside it.
    private const long BytesARound = 1L << 30;

    internal static void Print(int rounds)
    {
        Console.WriteLine($"{"block",-10} {"memcpy",8} {"fletcher-4",11} {"plain loop",11} {"to memcpy",10} {"to loop",8}   (GB/s, medians of {rounds})");
        foreach (int length in (int[])[4 << 10, 16 << 10, 128 << 10, 1 << 20, 64 << 20])
        {
            byte[] block = new byte[length];
            new Random(1).NextBytes(block);
            byte[] copy = new byte[length];
            Fletcher4 lanes = new(swapped: false);
            Fletcher4Sums sums = default;
            (Action Run, List<double> Seconds)[] runs =
            [
                (() => block.CopyTo(copy, 0), []),
                (() => lanes.Add(block), []),
                (() => sums = Fletcher4.Scalar(MemoryMarshal.Cast<byte, uint>(block), sums), []),
            ];

            // The first round is for the compiler.
            for (int round = -1; round < rounds; round++)
            {
                foreach ((Action run, List<double> seconds) in runs)
                {
                    long start = Stopwatch.GetTimestamp();
                    for (long done = 0; done < BytesARound; done += length)
                    {
                        run();
                    }

                    if (round >= 0)
                    {
                        seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
                    }
                }
            }

            if (lanes.Sums != sums)
            {
                throw new InvalidOperationException("The two sums differ.");
            }

            double[] speeds = [.. runs.Select(run => BytesARound / 1e9 / run.Seconds.Order().ElementAt(rounds / 2))];
            Console.WriteLine($"{length >> 10,6} KiB {speeds[0],8:0.0} {speeds[1],11:0.0} {speeds[2],11:0.0} {speeds[1] / speeds[0],10:0.00} {speeds[1] / speeds[2],8:0.0}");
        }
    }
}
