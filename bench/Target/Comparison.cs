using System.Net.Sockets;

namespace EveStorage.Bench.Target;

/// <summary>Rows of two servers, one after the other in each round; a table has the medians.</summary>
/// <param name="own">Ours.</param>
/// <param name="peer">The other.</param>
/// <param name="size">Of the disk, in bytes.</param>
/// <param name="duration">Of a run.</param>
/// <param name="rounds">How many there are.</param>
internal sealed class Comparison(Server own, Server peer, long size, TimeSpan duration, int rounds)
{
    /// <summary>Measures them and prints them.</summary>
    internal async Task RunAsync(string title, IEnumerable<Workload> rows)
    {
        Console.WriteLine($"{title} beside {peer.Name}");
        Console.WriteLine($"{"",-19} {"IOPS",17} {"mean us",15} {"p99 us",17} {"server CPU us/IO",17}   IOPS ratio");
        Console.WriteLine($"{"",-19} {"ours",8} {"peer",8} {"ours",7} {"peer",7} {"ours",8} {"peer",8} {"ours",8} {"peer",8}");
        foreach (Workload row in rows)
        {
            List<Measured> mine = [];
            List<Measured> theirs = [];
            for (int round = 0; round < rounds; round++)
            {
                mine.Add(await MeasureAsync(own, row, round));
                theirs.Add(await MeasureAsync(peer, row, round));
            }

            Measured a = Measured.MedianOf(mine);
            Measured b = Measured.MedianOf(theirs);
            Console.WriteLine(
                $"{row,-19} {a.PerSecond,8:0} {b.PerSecond,8:0} {a.Mean,7:0} {b.Mean,7:0} {a.Percentile99,8:0} {b.Percentile99,8:0} {a.ServerProcessor,8:0.0} {b.ServerProcessor,8:0.0}   {a.PerSecond / b.PerSecond:0.00}");
        }
    }

    private async Task<Measured> MeasureAsync(Server server, Workload row, int round)
    {
        WireClient[] clients = await server.ConnectAsync(row.Queues);
        try
        {
            return row.Run(clients, size, duration, server.ProcessId, seed: round + 1);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            throw new IOException($"{server.Name}, {row}: {e.Message}", e);
        }
        finally
        {
            foreach (WireClient client in clients.Reverse())
            {
                client.Dispose();
            }
        }
    }
}
