using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Worker;

/// <summary>A worker that has been started, and has nothing but its standard streams and a socket, through which what it works on comes.</summary>
internal sealed class IdleWorker : IDisposable
{
    private IdleWorker(ChildProcess child, SafeFileHandle socket) => (Child, Socket) = (child, socket);

    /// <summary>The process.</summary>
    internal ChildProcess Child { get; }

    /// <summary>Where descriptors go to it.</summary>
    internal SafeFileHandle Socket { get; }

    /// <summary>Starts one.</summary>
    /// <param name="plugins">The directories of plugins whose formats it loads at once, since it will wait; none where its request is near.</param>
    /// <exception cref="StorageException">It can't be started.</exception>
    internal static IdleWorker Start(params IReadOnlyList<string> plugins)
    {
        (SafeFileHandle ours, SafeFileHandle theirs) = UnixDescriptors.MakePair();
        using SafeFileHandle given = theirs;
        try
        {
            (string path, string[] arguments) = Program();
            return new(ChildProcess.Start(path, [.. arguments, .. plugins], Environment(), [given]), ours);
        }
        catch
        {
            ours.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Child.Dispose();
        Socket.Dispose();
    }

    // The worker is this program, whoever hosts this assembly: the tests do, too.
    private static (string Path, string[] Arguments) Program()
    {
        string assembly = typeof(IdleWorker).Assembly.Location;
        string executable = Path.ChangeExtension(assembly, null);
        return File.Exists(executable) ? (executable, ["worker"]) : (System.Environment.ProcessPath!, [assembly, "worker"]);
    }

    private static Dictionary<string, string> Environment()
    {
        Dictionary<string, string> environment = new()
        {
            ["LC_ALL"] = "C",
            ["PATH"] = "/usr/bin:/bin",
            ["DOTNET_GCHeapHardLimit"] = $"0x{WorkerJail.MemoryLimit.Bytes / 4:x}",
            ["DOTNET_gcConcurrent"] = "0",
            ["DOTNET_GCgen0size"] = "0x400000",   // what is short-lived here is small, and else takes as much as a processor's cache
            ["DOTNET_EnableDiagnostics"] = "0",
            ["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1",   // or it would look for ICU when it is jailed
        };
        foreach (string kept in (string[])["DOTNET_ROOT", "HOME"])
        {
            if (System.Environment.GetEnvironmentVariable(kept) is string value)
            {
                environment.Add(kept, value);
            }
        }

        return environment;
    }
}
