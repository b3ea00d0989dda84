using EveStorage.Bench.Target;

// Usage: EveStorage.Bench.Target EVESTORAGE [DIRECTORY] [SECONDS] [ROUNDS] [ROW...]
//        EveStorage.Bench.Target first-read EVESTORAGE DIRECTORY ROUNDS IMAGE...
//        EveStorage.Bench.Target bare PORT FILE
// The same file, the same client loop, one after the other in each round; a table for each peer has the medians.
if (args is ["first-read", string program, string place, string times, .. string[] images])
{
    await FirstRead.RunAsync(program, place, int.Parse(times), images);
    return;
}

if (args is ["bare", string port, string served])
{
    BareServer.Run(int.Parse(port), served);
    return;
}

string evestorage = args.Length > 0 ? Path.GetFullPath(args[0]) : throw new ArgumentException("the path of evestorage is missing");
string parent = args.Length > 1 ? args[1] : "/dev/shm";
TimeSpan duration = TimeSpan.FromSeconds(args.Length > 2 ? double.Parse(args[2]) : 1);
int rounds = args.Length > 3 ? int.Parse(args[3]) : 3;
string[] only = args.Length > 4 ? args[4..] : [];   // parts of their names and titles, such as past, nbdkit, bare or 4k; memory is one, too
const int SizeMiB = 512;

string directory = Path.Combine(parent, $"evestorage-bench-{Environment.ProcessId}");
try
{
    await CompareAsync();
    if (Asked("memory"))
    {
        await ShowFootprintsAsync();
    }
}
finally
{
    Directory.Delete(directory, recursive: true);
}

bool Asked(string row) => only.Length == 0 || only.Any(row.Contains);

async Task CompareAsync()
{
    await CompareWithAllAsync("in the host's cache", uncached: false);
    if (new DriveInfo(directory).DriveFormat != "tmpfs")
    {
        await CompareWithAllAsync("past the host's cache", uncached: true);
    }
}

async Task CompareWithAllAsync(string title, bool uncached)
{
    (Server ours, string[] files) = await OwnServer.StartAsync(evestorage, Path.Combine(directory, uncached ? "direct" : "cached"), disks: 1, SizeMiB, uncached);
    using Server own = ours;
    await FillAsync(files[0]);
    Workload[] rows =
    [
        .. from queues in new[] { 1, 4, 16 } from length in new[] { 4 << 10, 128 << 10 } from depth in new[] { 1, 32, 128 }
           from write in new[] { false, true } select new Workload(write, length, depth, queues),
    ];
    foreach (Func<string[], bool, Task<Server>> start in uncached ? Peers.All : Peers.WithBound)
    {
        using Server peer = await start(files, uncached);
        await new Comparison(own, peer, (long)SizeMiB << 20, duration, rounds).RunAsync(title, rows.Where(row => Asked($"{row} {title} beside {peer.Name}")));
    }
}

async Task ShowFootprintsAsync()
{
    Console.WriteLine($"{"memory",-28} {"disks",6} {"idle",10} {"connected",10} {"of it own",10}");
    foreach (int disks in new[] { 1, 32, 256 })
    {
        (Server ours, string[] files) = await OwnServer.StartAsync(evestorage, Path.Combine(directory, $"memory-{disks}"), disks, sizeMiB: 64);
        using (ours)
        {
            await Footprint.ShowAsync(ours, disks);
            foreach (Func<string[], bool, Task<Server>> start in Peers.All)
            {
                using Server peer = await start(files, false);
                await Footprint.ShowAsync(peer, disks);
            }
        }
    }
}

static async Task FillAsync(string file)
{
    byte[] bytes = new byte[1 << 20];
    new Random(1).NextBytes(bytes);
    await using FileStream disk = new(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
    for (int at = 0; at < SizeMiB; at++)
    {
        await disk.WriteAsync(bytes);
    }

    disk.Flush(flushToDisk: true);
}
