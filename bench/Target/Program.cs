using EveStorage.Bench.Target;

// Usage: EveStorage.Bench.Target EVESTORAGE [DIRECTORY] [SECONDS] [ROUNDS]
// The same file, the same client loop, one after the other in each round; a table for each peer has the medians.
string evestorage = args.Length > 0 ? Path.GetFullPath(args[0]) : throw new ArgumentException("the path of evestorage is missing");
string parent = args.Length > 1 ? args[1] : "/dev/shm";
TimeSpan duration = TimeSpan.FromSeconds(args.Length > 2 ? double.Parse(args[2]) : 2);
int rounds = args.Length > 3 ? int.Parse(args[3]) : 3;
const int SizeMiB = 512;

string directory = Path.Combine(parent, $"evestorage-bench-{Environment.ProcessId}");
Directory.CreateDirectory(directory);
try
{
    (Server ours, string file) = await Servers.StartOursAsync(evestorage, directory, SizeMiB);
    using Server own = ours;
    Workload[] rows = [.. from length in new[] { 4 << 10, 128 << 10 } from depth in new[] { 1, 32, 128 } from write in new[] { false, true } select new Workload(write, length, depth)];
    foreach (Func<string, Task<Server>> start in Servers.Peers)
    {
        using Server peer = await start(file);
        Console.WriteLine($"beside {peer.Name}");
        await CompareAsync(own, peer, rows);
    }
}
finally
{
    Directory.Delete(directory, recursive: true);
}

async Task CompareAsync(Server own, Server peer, Workload[] rows)
{
    Console.WriteLine($"{"",-16} {"IOPS",17} {"mean us",15} {"p99 us",17} {"server CPU us/IO",17}   IOPS ratio");
    Console.WriteLine($"{"",-16} {"ours",8} {"peer",8} {"ours",7} {"peer",7} {"ours",8} {"peer",8} {"ours",8} {"peer",8}");
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
            $"{row,-16} {a.PerSecond,8:0} {b.PerSecond,8:0} {a.Mean,7:0} {b.Mean,7:0} {a.Percentile99,8:0} {b.Percentile99,8:0} {a.ServerProcessor,8:0.0} {b.ServerProcessor,8:0.0}   {a.PerSecond / b.PerSecond:0.00}");
    }
}

async Task<Measured> MeasureAsync(Server server, Workload row, int round)
{
    using WireClient client = await server.ConnectAsync();
    return row.Run(client, (long)SizeMiB << 20, duration, server.ProcessId, seed: round + 1);
}
