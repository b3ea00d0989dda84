using System.Diagnostics;

namespace EveStorage.Bench.Target;

/// <summary>Starts others on the very same files. A disk is known by the name of its file.</summary>
internal static class Peers
{
    private const int Port = 10891;
    private const string Nbdkit = "/usr/bin/nbdkit";

    /// <summary>Who is measured, as far as it is installed.</summary>
    internal static IReadOnlyList<Func<string[], bool, Task<Server>>> All { get; } = File.Exists(Nbdkit) ? [StartQemuAsync, StartNbdkitAsync] : [StartQemuAsync];

    /// <summary>And a server that nobody would run: what it reaches is about what the kernel leaves to any.</summary>
    internal static IReadOnlyList<Func<string[], bool, Task<Server>>> WithBound { get; } = [.. All, StartBareAsync];

    private static Task<Server> StartBareAsync(string[] files, bool uncached)
        => StartAsync("a bare server, NBD", Programs.Start(Environment.ProcessPath!, ["bare", $"{Port}", files[0]]), disk => $"disk{disk}");

    /// <summary>QEMU's server, as it is set up for speed: io_uring, and the host's cache unless it is <paramref name="uncached"/>.</summary>
    private static Task<Server> StartQemuAsync(string[] files, bool uncached)
    {
        string cache = uncached ? ",cache.direct=on" : "";
        List<string> arguments = ["--nbd-server", $"addr.type=inet,addr.host=127.0.0.1,addr.port={Port},max-connections=0"];
        for (int disk = 0; disk < files.Length; disk++)
        {
            arguments.AddRange(
            [
                "--blockdev", $"driver=file,node-name=disk{disk},filename={files[disk]},aio=io_uring,locking=off,discard=unmap{cache}",
                "--export", $"type=nbd,id=export{disk},node-name=disk{disk},name=disk{disk},writable=on",
            ]);
        }

        return StartAsync("qemu-storage-daemon, NBD", Programs.Start("/usr/bin/qemu-storage-daemon", arguments), disk => $"disk{disk}");
    }

    /// <summary>nbdkit with its plugin for files: of one, or of a directory of links to them.</summary>
    private static Task<Server> StartNbdkitAsync(string[] files, bool uncached)
    {
        string links = $"{files[0]}.links";
        Directory.CreateDirectory(links);
        for (int disk = 0; disk < files.Length; disk++)
        {
            File.Delete(Path.Combine(links, $"disk{disk}"));
            File.CreateSymbolicLink(Path.Combine(links, $"disk{disk}"), files[disk]);
        }

        string[] arguments = ["--foreground", "--ipaddr", "127.0.0.1", "--port", $"{Port}", "file", $"dir={links}", .. uncached ? ["cache=none"] : Array.Empty<string>()];
        return StartAsync("nbdkit, NBD", Programs.Start(Nbdkit, arguments), disk => $"disk{disk}");
    }

    private static async Task<Server> StartAsync(string name, Process process, Func<int, string> exportOf)
    {
        await Programs.WaitAsync(name, () => Programs.Answers(Port));
        return new(name, process, (queues, disk) => Task.FromResult<WireClient[]>([.. Enumerable.Range(0, queues).Select(_ => NbdClient.Open(Port, exportOf(disk)))]));
    }
}
