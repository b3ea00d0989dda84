using System.Net;
using System.Net.Sockets;
using EveStorage.Cli;
using EveStorage.Cli.Profiles;
using EveStorage.Host.Profiles;
using Microsoft.Extensions.Configuration;

namespace EveStorage.Host.Try;

/// <summary>A place of its own for one try: pool, journal and locks, away from what a daemon has.</summary>
internal sealed class TryDirectory : IDisposable
{
    private const int FirstPort = 4420;
    private const int Ports = 100;

    private readonly bool _keep;
    private readonly List<string> _made = [];
    private ProfileSource? _profile;

    /// <param name="keep">Whether it stays.</param>
    /// <param name="state">The directory beneath which it lies; null for the usual one of who calls.</param>
    internal TryDirectory(bool keep, string? state)
    {
        _keep = keep;
        string root = System.IO.Path.Combine(state ?? StandardPaths.ForCaller().State, "try");
        Path = System.IO.Path.Combine(root, $"{Environment.ProcessId}");
        Linux.FileCalls.Run(Path, () =>
        {
            RemoveDead(root);
            for (string? missing = root; missing is not null && !Directory.Exists(missing); missing = System.IO.Path.GetDirectoryName(missing))
            {
                _made.Add(missing);
            }

            return Directory.CreateDirectory(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        });
        Port = FreePort();
    }

    /// <summary>Where it is.</summary>
    internal string Path { get; }

    /// <summary>Where the target listens.</summary>
    internal int Port { get; }

    /// <summary>The profile: one pool of files here, one target on the loopback address.</summary>
    internal ProfileSource Profile => _profile ??= new("try", [], new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
    {
        ["State"] = Path,
        ["Run"] = System.IO.Path.Combine(Path, "run"),
        ["Plugins:Enabled:0"] = "eve.file",
        ["Plugins:Enabled:1"] = "eve.nvmet-user",
        ["Plugins:Enabled:2"] = "eve.qcow2",
        ["Plugins:Enabled:3"] = "eve.raw",
        ["Pools:try:Kind"] = "file",
        ["Pools:try:Devices:0"] = System.IO.Path.Combine(Path, "pool"),
        ["Transports:tcp:Kind"] = "nvmet-user",
        ["Transports:tcp:Options:Port"] = $"{Port}",
    }).Build());

    /// <summary>Refuses when the file system has less than <paramref name="needed"/> left.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.OutOfSpace"/>.</exception>
    internal void RequireSpace(ByteSize needed)
    {
        ByteSize free = new(new DriveInfo(Path).AvailableFreeSpace);
        if (free < needed)
        {
            throw new StorageException(StorageErrorKind.OutOfSpace, Path, $"has {free.ForPerson()} free, and the image needs {needed.ForPerson()}: free some, or give --profile with a State at a larger place");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_keep)
        {
            return;
        }

        Directory.Delete(Path, recursive: true);
        foreach (string made in _made.TakeWhile(made => !Directory.EnumerateFileSystemEntries(made).Any()))
        {
            Directory.Delete(made);
        }
    }

    // A try that was killed leaves its directory, which is named after its process; one that was kept is somebody's.
    private static void RemoveDead(string root)
    {
        foreach (string left in Directory.Exists(root) ? Directory.EnumerateDirectories(root) : [])
        {
            if (!Directory.Exists($"/proc/{System.IO.Path.GetFileName(left)}") && !File.Exists(System.IO.Path.Combine(left, "keep")))
            {
                Directory.Delete(left, recursive: true);
            }
        }
    }

    private static int FreePort()
    {
        foreach (int port in Enumerable.Range(FirstPort, Ports))
        {
            using Socket probe = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // somebody's, perhaps another try's: the next one
            }
        }

        throw new StorageException(StorageErrorKind.Busy, $"ports {FirstPort} to {FirstPort + Ports - 1}", "are all in use on 127.0.0.1");
    }
}
