using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The product as it is used: its daemon and its command line, with a pool of files and a target on this machine's loopback.</summary>
internal sealed class Evestorage : IAsyncDisposable
{
    private static readonly string s_program = Path.Combine(BuiltHost.Directory, "evestorage");
    private readonly TemporaryDirectory _place = new();
    private readonly string _profile;
    private Process? _daemon;

    public Evestorage()
    {
        Port = FreePort();
        _profile = _place["profile.json"];
        // A guest under emulation needs the processor more than a queue does.
        File.WriteAllText(_profile, $$"""
            {
              "State": "{{_place["state"]}}", "Run": "{{_place["run"]}}",
              "Plugins": { "Enabled": ["eve.file", "eve.nvmet-user", "eve.raw", "eve.qcow2", "eve.zfs-stream"] },
              "Pools": { "data": { "Kind": "file", "Devices": ["{{_place["pool"]}}"] } },
              "Transports": { "tcp": { "Kind": "nvmet-user", "Options": { "Port": {{Port}}, "SpinMicroseconds": 0 } } }
            }
            """);
    }

    public int Port { get; }

    /// <summary>A place for a test's files.</summary>
    public string this[string name] => _place[name];

    /// <summary>Says how much of an image is copied in a second behind a volume that lies over it, from the next start on; 0 for as much as there is.</summary>
    public void LimitLazyCopy(long bytes)
    {
        JsonNode profile = JsonNode.Parse(File.ReadAllText(_profile))!;
        profile["Images"] = new JsonObject { ["LazyRate"] = $"{bytes}" };
        File.WriteAllText(_profile, profile.ToJsonString());
    }

    /// <summary>Starts the daemon and waits until it answers.</summary>
    public async Task ServeAsync()
    {
        _daemon?.Dispose();
        _daemon = new() { StartInfo = new("/bin/sh", ["-c", "exec \"$0\" serve --profile \"$1\" >> \"$2\" 2>&1", s_program, _profile, _place["daemon.log"]]) };
        _daemon.Start();
        for (int tries = 0; tries < 300 && !_daemon.HasExited; tries++)
        {
            if (File.Exists(_place["run/api.sock"]) && await ListensAsync())
            {
                return;
            }

            await Task.Delay(200);
        }

        throw new InvalidOperationException("the daemon does not answer: " + File.ReadAllText(_place["daemon.log"]));
    }

    /// <summary>Ends the daemon as a crash would.</summary>
    public async Task KillAsync()
    {
        _daemon!.Kill();
        await _daemon.WaitForExitAsync();
    }

    /// <summary>Runs a command, which has to succeed, and gives its JSON.</summary>
    public async Task<JsonElement> RunAsync(params string[] words)
    {
        (int code, string output, string error) = await Programs.RunAsync(s_program, [.. words, "--json", "--profile", _profile]);
        code.ShouldBe(0, $"evestorage {string.Join(' ', words)}: {error}{output}");
        return JsonDocument.Parse(output).RootElement;
    }

    /// <summary>Exports a volume, and gives its subsystem.</summary>
    public async Task<string> ExportAsync(string volume, params string[] options)
    {
        JsonElement done = await RunAsync(["export", "add", volume, .. options]);
        return done.GetProperty("results").GetProperty("subsystem").GetString()!;
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is { HasExited: false })
        {
            await KillAsync();
        }

        _daemon?.Dispose();
        _place.Dispose();
    }

    /// <summary>A socket that a killed daemon left is there too, so it's asked.</summary>
    private async Task<bool> ListensAsync()
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_place["run/api.sock"]));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    internal static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
