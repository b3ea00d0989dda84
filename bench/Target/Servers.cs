using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;

namespace EveStorage.Bench.Target;

/// <summary>A server of one disk, while it is measured.</summary>
internal sealed class Server(string name, Process process, Func<Task<WireClient>> connect) : IDisposable
{
    /// <summary>What the table calls it.</summary>
    internal string Name => name;

    /// <summary>Whose processor time is counted.</summary>
    internal int ProcessId => process.Id;

    /// <summary>Connects once more.</summary>
    internal Task<WireClient> ConnectAsync() => connect();

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.Kill();
        }

        process.WaitForExit();
        process.Dispose();
    }
}

/// <summary>Starts our daemon, and its peers on the very same file.</summary>
internal static class Servers
{
    private const string Host = "nqn.2014-08.org.nvmexpress:uuid:0bb0bb0b-0000-4000-8000-000000000001";
    private const int NvmePort = 4491;
    private const int NbdPort = 10891;
    private const string Nbdkit = "/usr/bin/nbdkit";

    /// <summary>Our daemon with one volume of <paramref name="sizeMiB"/>, filled with bytes.</summary>
    /// <returns>The server, and the volume's file.</returns>
    internal static async Task<(Server Server, string File)> StartOursAsync(string evestorage, string directory, int sizeMiB)
    {
        string profile = Path.Combine(directory, "bench.json");
        await File.WriteAllTextAsync(profile, JsonSerializer.Serialize(new
        {
            State = directory,
            Run = Path.Combine(directory, "run"),
            Plugins = new { Enabled = new[] { "eve.file", "eve.nvmet-user" } },
            Pools = new { data = new { Kind = "file", Devices = new[] { Path.Combine(directory, "pool") } } },
            Transports = new { tcp = new { Kind = "nvmet-user", Options = new { Port = $"{NvmePort}" } } },
        }));
        Process daemon = Start(evestorage, ["serve", "--profile", profile]);
        await WaitAsync(() => File.Exists(Path.Combine(directory, "run/api.sock")));
        await RunAsync(evestorage, ["pool", "create", "data", "--profile", profile]);
        await RunAsync(evestorage, ["volume", "create", "data/bench", $"{sizeMiB}MiB", "--profile", profile]);
        await RunAsync(evestorage, ["export", "add", "data/bench", "--host", Host, "--profile", profile]);
        using JsonDocument volume = JsonDocument.Parse(await RunAsync(evestorage, ["volume", "show", "data/bench", "--json", "--profile", profile]));
        string file = volume.RootElement.GetProperty("path").GetString()!;
        string subsystem = volume.RootElement.GetProperty("exports")[0].GetProperty("subsystem").GetString()!;
        await FillAsync(file, sizeMiB);
        return (new("evestorage, NVMe/TCP", daemon, async () => await NvmeClient.OpenAsync(NvmePort, new(subsystem), new(Host))), file);
    }

    /// <summary>Who is measured beside it, as far as it is installed.</summary>
    internal static IReadOnlyList<Func<string, Task<Server>>> Peers { get; } = File.Exists(Nbdkit) ? [StartQemuAsync, StartNbdkitAsync] : [StartQemuAsync];

    /// <summary>QEMU's server of <paramref name="file"/>, as it is set up for speed: io_uring, the host's cache.</summary>
    private static async Task<Server> StartQemuAsync(string file)
    {
        Process peer = Start("/usr/bin/qemu-storage-daemon",
        [
            "--blockdev", $"driver=file,node-name=disk,filename={file},aio=io_uring,locking=off,discard=unmap",
            "--nbd-server", $"addr.type=inet,addr.host=127.0.0.1,addr.port={NbdPort}",
            "--export", "type=nbd,id=export,node-name=disk,name=disk,writable=on",
        ]);
        await WaitAsync(() => Answers(NbdPort));
        return new("qemu-storage-daemon, NBD", peer, () => Task.FromResult<WireClient>(NbdClient.Open(NbdPort, "disk")));
    }

    /// <summary>nbdkit with its plugin for files, as it comes.</summary>
    private static async Task<Server> StartNbdkitAsync(string file)
    {
        Process peer = Start(Nbdkit, ["--foreground", "--ipaddr", "127.0.0.1", "--port", $"{NbdPort}", "file", file]);
        await WaitAsync(() => Answers(NbdPort));
        return new("nbdkit, NBD", peer, () => Task.FromResult<WireClient>(NbdClient.Open(NbdPort, "disk")));
    }

    private static async Task FillAsync(string file, int sizeMiB)
    {
        byte[] bytes = new byte[1 << 20];
        new Random(1).NextBytes(bytes);
        await using FileStream disk = new(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        for (int at = 0; at < sizeMiB; at++)
        {
            await disk.WriteAsync(bytes);
        }
    }

    private static Process Start(string path, string[] arguments)
        => Process.Start(new ProcessStartInfo(path, arguments) { RedirectStandardError = false })!;

    private static async Task<string> RunAsync(string path, string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(path, arguments) { RedirectStandardOutput = true })!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{string.Join(' ', arguments)} ended with {process.ExitCode}");
    }

    private static async Task WaitAsync(Func<bool> condition)
    {
        for (int i = 0; i < 200 && !condition(); i++)
        {
            await Task.Delay(50);
        }
    }

    private static bool Answers(int port)
    {
        using Socket probe = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Connect("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
