using System.Diagnostics;
using System.Text.Json;

namespace EveStorage.Bench.Target;

/// <summary>Our daemon with some volumes, each exported to one host.</summary>
internal static class OwnServer
{
    private const string Host = "nqn.2014-08.org.nvmexpress:uuid:0bb0bb0b-0000-4000-8000-000000000001";
    private const int Port = 4491;

    /// <summary>Starts it in <paramref name="directory"/> with <paramref name="disks"/> volumes, which are holes; <paramref name="uncached"/> past the host's cache.</summary>
    /// <returns>The server, and the volumes' files.</returns>
    internal static async Task<(Server Server, string[] Files)> StartAsync(string evestorage, string directory, int disks, int sizeMiB, bool uncached = false)
    {
        Directory.CreateDirectory(directory);
        string profile = Path.Combine(directory, "bench.json");
        await File.WriteAllTextAsync(profile, JsonSerializer.Serialize(new
        {
            State = directory,
            Run = Path.Combine(directory, "run"),
            Plugins = new { Enabled = new[] { "eve.file", "eve.nvmet-user" } },
            Pools = new { data = new { Kind = "file", Devices = new[] { Path.Combine(directory, "pool") }, Options = new { Direct = uncached ? "true" : "false" } } },
            Transports = new { tcp = new { Kind = "nvmet-user", Options = new { Port = $"{Port}", MaxConnections = "1024" } } },
        }));
        string wanted = Path.Combine(directory, "wanted.json");
        string[] names = [.. Enumerable.Range(0, disks).Select(disk => $"data/disk{disk}")];
        await File.WriteAllTextAsync(wanted, JsonSerializer.Serialize(new
        {
            pools = new { data = new { } },
            volumes = names.ToDictionary(name => name, _ => new { size = $"{sizeMiB}MiB" }),
            exports = names.ToDictionary(name => name, _ => new { tcp = new { hosts = new Dictionary<string, object> { [Host] = new { } } } }),
        }));
        Process daemon = Programs.Start(evestorage, ["serve", "--profile", profile]);
        try
        {
            await Programs.WaitAsync("evestorage", () => File.Exists(Path.Combine(directory, "run/api.sock")));
            await Programs.RunAsync(evestorage, "apply", wanted, "--profile", profile);
            using JsonDocument volumes = JsonDocument.Parse(await Programs.RunAsync(evestorage, "volume", "list", "--json", "--profile", profile));
            Dictionary<string, JsonElement> shown = volumes.RootElement.EnumerateArray().ToDictionary(volume => $"data/{volume.GetProperty("name")}", volume => volume.Clone());
            Nqn[] subsystems = [.. names.Select(name => new Nqn(shown[name].GetProperty("exports")[0].GetProperty("subsystem").GetString()!))];
            return (new("evestorage, NVMe/TCP", daemon, (queues, disk) => NvmeClient.OpenAsync(Port, subsystems[disk], new(Host), queues)),
                [.. names.Select(name => shown[name].GetProperty("path").GetString()!)]);
        }
        catch
        {
            daemon.Kill();
            throw;
        }
    }
}
