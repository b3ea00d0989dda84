using System.Diagnostics;
using System.Text.RegularExpressions;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The two programs that a command may be: the small one, which asks a daemon or gives way to the other, and that other.</summary>
internal sealed partial class BothPrograms(string client, string host, string profile) : IDisposable
{
    private readonly TemporaryDirectory _traces = new();

    /// <summary>The small one as it is built here: of the same code as the native one, and bound not to do what that one can't.</summary>
    internal static string BuiltClient { get; } = Path.Combine(BuiltHost.Client, "evestorage-client");

    /// <summary>Runs a command by both, and holds that nobody could tell which was which.</summary>
    /// <param name="command">The command.</param>
    /// <param name="between">What is done before the second of them.</param>
    /// <param name="first">Whether the profile is named before the verb.</param>
    /// <returns>How it ended, and whether the small one did it all by itself.</returns>
    internal async Task<(Ended Ended, bool ByItself)> RunAsync(string command, Func<Task>? between = null, bool first = false)
    {
        string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string[] arguments = first ? ["--profile", profile, .. words] : [.. words, "--profile", profile];
        (Ended whole, _) = await RunAsync(host, arguments);
        if (between is not null)
        {
            await between();
        }

        (Ended small, bool gaveWay) = await RunAsync(client, arguments);
        Plain(small.Output).ShouldBe(Plain(whole.Output), command);
        Plain(small.Error).ShouldBe(Plain(whole.Error), command);
        small.Code.ShouldBe(whole.Code, command);
        return (small, !gaveWay);
    }

    // The launcher of the whole program notes what it starts, where it is told to.
    private async Task<(Ended Ended, bool StartedHost)> RunAsync(string program, string[] arguments)
    {
        string trace = _traces[Guid.NewGuid().ToString("N")];
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string prefix in (string[])["COREHOST_TRACE", "DOTNET_HOST_TRACE"])
        {
            start.Environment[prefix] = "1";
            start.Environment[$"{prefix}FILE"] = trace;
        }

        using Process process = CommandLineHost.Start(start);
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Ended ended = new(process.ExitCode, await output, await error);
        return (ended, File.Exists(trace) && (await File.ReadAllTextAsync(trace)).Contains("/evestorage.dll", StringComparison.Ordinal));
    }

    // What differs between any two runs: ids, times, and how far a copy was when it was looked at.
    private static string Plain(string text) => Progress().Replace(Times().Replace(Ids().Replace(text, "ID"), "TIME"), "");

    public void Dispose() => _traces.Dispose();

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Ids();

    [GeneratedRegex(@"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?")]
    private static partial Regex Times();

    [GeneratedRegex(@"^[^\n:]+: [0-9.]+[KMGT]?i?B( of [^\n]*|, [^\n]*/s)?\n", RegexOptions.Multiline)]
    private static partial Regex Progress();
}
