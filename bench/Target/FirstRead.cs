using System.Diagnostics;
using System.Text.Json;
using EveStorage.NvmeOf;

namespace EveStorage.Bench.Target;

/// <summary>From the command that imports an image behind a volume to what a guest reads of it, while it is copied at full speed.</summary>
internal static class FirstRead
{
    private const string Host = "nqn.2014-08.org.nvmexpress:uuid:0bb0bb0b-0000-4000-8000-000000000001";
    private const int Port = 4492;
    private const int Length = 4096;

    /// <summary>Measures each image so often, in turns, and prints the medians in milliseconds.</summary>
    internal static async Task RunAsync(string evestorage, string directory, int rounds, string[] images)
    {
        string profile = Path.Combine(directory, "bench.json");
        await File.WriteAllTextAsync(profile, JsonSerializer.Serialize(new
        {
            State = directory,
            Run = Path.Combine(directory, "run"),
            Plugins = new { Enabled = new[] { "eve.file", "eve.nvmet-user", "eve.raw", "eve.qcow2" } },
            Pools = new { data = new { Kind = "file", Devices = new[] { Path.Combine(directory, "pool") } } },
            Transports = new { tcp = new { Kind = "nvmet-user", Options = new { Port = $"{Port}" } } },
        }));
        using Server daemon = new("evestorage", Programs.Start(evestorage, ["serve", "--profile", profile]), static (_, _) => throw new NotSupportedException());
        await Programs.WaitAsync("evestorage", () => File.Exists(Path.Combine(directory, "run/api.sock")));
        await Programs.RunAsync(evestorage, "pool", "create", "data", "--profile", profile);
        Dictionary<string, List<double[]>> all = images.ToDictionary(static image => image, static _ => new List<double[]>());
        for (int round = -1; round < rounds; round++)   // the first is for programs and files to be in memory
        {
            foreach (string image in images)
            {
                double[] times = await MeasureAsync(evestorage, profile, image);
                if (round >= 0)
                {
                    all[image].Add(times);
                }
            }
        }

        Console.WriteLine($"{"image",-28} {"it is there",12} {"is exported",12} {"connected",12} {"first read",12} {"a read far behind",18}   ms since the command began, medians of {rounds}");
        foreach (string image in images)
        {
            double[] medians = [.. Enumerable.Range(0, 5).Select(column => all[image].Select(times => times[column]).Order().ElementAt(rounds / 2))];
            Console.WriteLine($"{Path.GetFileName(image),-28} {medians[0],12:0} {medians[1],12:0} {medians[2],12:0} {medians[3],12:0} {medians[4],18:0}");
        }
    }

    private static async Task<double[]> MeasureAsync(string evestorage, string profile, string image)
    {
        List<double> times = [];
        long start = Stopwatch.GetTimestamp();
        await Programs.RunAsync(evestorage, "image", "import", image, "data/vm1", "--lazy", "--format", Path.GetExtension(image)[1..], "--profile", profile);
        times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        using JsonDocument export = JsonDocument.Parse(await Programs.RunAsync(evestorage, "export", "add", "data/vm1", "--host", Host, "--json", "--profile", profile));
        times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        string subsystem = export.RootElement.GetProperty("results").GetProperty("subsystem").GetString()!;
        NvmeTcpOptions options = new() { Port = Port, Subsystem = new(subsystem), Host = new(Host), HostId = Guid.NewGuid(), Queues = 1 };
        await using (NvmeTcpInitiator guest = await NvmeTcpInitiator.ConnectAsync(options, CancellationToken.None))
        {
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            byte[] read = new byte[Length];
            await guest.ReadAsync(1, 0, read, CancellationToken.None);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            await guest.ReadAsync(1, 1 << 29, read, CancellationToken.None);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        await Programs.RunAsync(evestorage, "export", "remove", "data/vm1", "--profile", profile);
        await Programs.RunAsync(evestorage, "volume", "delete", "data/vm1", "--yes", "--profile", profile);
        return [.. times];
    }
}
