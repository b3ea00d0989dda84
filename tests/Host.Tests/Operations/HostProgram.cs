using System.Collections;
using System.Diagnostics;
using System.Text.Json;
using EveStorage.Cli.Api;
using EveStorage.Host.Operations;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The built <c>evestorage</c> as a process, which a test ends by SIGKILL.</summary>
internal sealed class HostProgram : IDisposable
{
    private readonly ChildProcess _process;
    private readonly Task<string> _output;
    private readonly Task<string> _error;

    private HostProgram(ChildProcess process)
    {
        _process = process;
        _output = new StreamReader(process.Output).ReadToEndAsync();
        _error = new StreamReader(process.Error).ReadToEndAsync();
    }

    /// <summary>Starts it on the profile of <paramref name="host"/>.</summary>
    internal static HostProgram Start(TestEngine host, params string[] arguments) => StartWith(host, [], arguments);

    /// <summary>Starts it with more in its environment.</summary>
    internal static HostProgram StartWith(TestEngine host, Dictionary<string, string> more, params string[] arguments)
    {
        Dictionary<string, string> environment = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(pair => (string)pair.Key, pair => (string)pair.Value!);
        foreach ((string key, string value) in more)
        {
            environment[key] = value;
        }

        return new(ChildProcess.Start(Path.Combine(BuiltHost.Directory, "evestorage"), [.. arguments, "--profile", host.ProfilePath], environment, []));
    }

    /// <summary>Runs it to its end.</summary>
    internal static async Task<(int ExitCode, string Output, string Error)> RunAsync(TestEngine host, params string[] arguments)
    {
        using HostProgram program = Start(host, arguments);
        return await program.EndAsync();
    }

    /// <summary>Its standard input.</summary>
    internal Stream Input => _process.Input;

    /// <summary>Waits for its end.</summary>
    internal async Task<(int ExitCode, string Output, string Error)> EndAsync()
    {
        string output = await _output;
        string error = await _error;
        return (_process.Wait(), output, error);
    }

    /// <summary>Waits until <paramref name="reached"/>, looking again each millisecond.</summary>
    internal void WaitUntil(Func<bool> reached, TimeSpan limit)
    {
        long start = Stopwatch.GetTimestamp();
        while (!reached())
        {
            if (_error.Wait(1))
            {
                throw new InvalidOperationException("It ended before the moment at which it was to be killed.");
            }

            Stopwatch.GetElapsedTime(start).ShouldBeLessThan(limit);
        }
    }

    /// <summary>Whether it ends within so long.</summary>
    internal bool HasEnded(TimeSpan within) => _error.Wait(within);

    /// <summary>Ends it by SIGKILL: nothing of it runs any more when this returns.</summary>
    internal void Kill()
    {
        _process.Kill();
        _process.Wait();
    }

    /// <summary>The newest operation as the journal has it; null before there is one.</summary>
    internal static OperationReport? Journaled(TestEngine host)
        => Directory.EnumerateFiles(Path.Combine(host.State, "operations"), "*.json")
            .Select(path => OperationDocument.Read(File.ReadAllBytes(path), path).Operation)
            .MaxBy(operation => operation.Started);

    /// <summary>How far an operation is, in one line.</summary>
    internal static string Describe(OperationReport operation)
        => $"{JsonNamingPolicy.KebabCaseLower.ConvertName($"{operation.State}")}: {string.Join(" | ", operation.Steps.Select(step => $"{step.Title}: {step.Outcome}"))}";

    public void Dispose() => _process.Dispose();
}
