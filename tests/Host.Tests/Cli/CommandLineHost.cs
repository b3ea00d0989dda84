using System.Diagnostics;
using System.Text.Json;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>How a run of the program ended.</summary>
internal sealed record Ended(int Code, string Output, string Error)
{
    /// <summary>What it answered a program.</summary>
    internal JsonElement Json => JsonDocument.Parse(Output).RootElement;
}

/// <summary>The real program with a profile, a pool directory, a journal and a socket of the test's own.</summary>
internal sealed class CommandLineHost : IDisposable
{
    internal const string HostNqn = "nqn.2014-08.org.nvmexpress:uuid:00000000-0000-0000-0000-000000000001";

    private readonly TemporaryDirectory _directory = new();
    private readonly List<Process> _daemons = [];

    internal CommandLineHost()
        => File.WriteAllText(Profile, JsonSerializer.Serialize(new
        {
            State = this["state"],
            Run = this["run"],
            Plugins = new { Enabled = new[] { "eve.file", "eve.nvmet-user", "eve.raw", "eve.qcow2" } },
            Pools = new { data = new { Kind = "file", Devices = new[] { this["pool"] } } },
            Transports = new { tcp = new { Kind = "nvmet-user", Options = new { Port = 0 } } },
        }));

    internal static string Program { get; } = Path.Combine(BuiltHost.Directory, "evestorage");

    internal string Profile => this["test.json"];

    internal string Socket => this["run/api.sock"];

    internal string this[string name] => _directory[name];

    /// <summary>Runs a verb with this profile.</summary>
    internal Task<Ended> RunAsync(params string[] arguments) => RunProgramAsync(Program, [.. arguments, "--profile", Profile]);

    /// <summary>Runs a verb that has to succeed.</summary>
    internal async Task<Ended> DoAsync(params string[] arguments)
    {
        Ended ended = await RunAsync(arguments);
        ended.Code.ShouldBe(0, $"{string.Join(' ', arguments)}: {ended.Error}");
        return ended;
    }

    /// <summary>Asks the daemon's socket.</summary>
    internal async Task<Ended> CurlAsync(string path, params string[] options)
        => await RunProgramAsync("curl", ["--silent", "--max-time", "30", "--unix-socket", Socket, .. options, $"http://localhost{path}"]);

    /// <summary>Starts a daemon, and waits until it answers.</summary>
    internal async Task<Process> ServeAsync()
    {
        Process daemon = StartDaemon();
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while ((await CurlAsync("/v1/host", "--fail")).Code != 0)
        {
            daemon.HasExited.ShouldBeFalse("the daemon ended");
            await Task.Delay(100, limit.Token);
        }

        return daemon;
    }

    /// <summary>Starts a daemon, which may not be ready yet, and tells it of a supervisor's socket.</summary>
    internal Process StartDaemon(string? supervisor = null, TimeSpan? watchdog = null)
    {
        ProcessStartInfo start = new(Program, ["serve", "--profile", Profile]) { RedirectStandardError = true };
        start.Environment["NOTIFY_SOCKET"] = supervisor;
        start.Environment["WATCHDOG_USEC"] = watchdog is TimeSpan limit ? $"{limit.TotalMicroseconds}" : null;
        Process daemon = Start(start);
        _daemons.Add(daemon);
        daemon.ErrorDataReceived += static (_, _) => { };
        daemon.BeginErrorReadLine();
        return daemon;
    }

    /// <summary>Asks a daemon to stop, and waits until it has.</summary>
    internal static async Task<int> StopAsync(Process daemon)
    {
        (await RunProgramAsync("kill", ["-TERM", $"{daemon.Id}"])).Code.ShouldBe(0);
        await daemon.WaitForExitAsync(TestContext.Current.CancellationToken);
        return daemon.ExitCode;
    }

    /// <summary>Runs a program to its end.</summary>
    internal static async Task<Ended> RunProgramAsync(string program, IReadOnlyList<string> arguments)
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        using Process process = Start(new(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        });
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        Task<string> error = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return new(process.ExitCode, await output, await error);
    }

    // Not through Command, which is for tools that we trust to end: here the program is what is tested, and is signalled and killed.
    internal static Process Start(ProcessStartInfo start)
    {
        Process process = new() { StartInfo = start };
        process.Start();
        return process;
    }

    public void Dispose()
    {
        foreach (Process daemon in _daemons)
        {
            if (!daemon.HasExited)
            {
                daemon.Kill();
                daemon.WaitForExit();
            }

            daemon.Dispose();
        }

        _directory.Dispose();
    }
}
