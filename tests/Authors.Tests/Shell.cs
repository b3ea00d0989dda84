using System.Diagnostics;
using System.Text.Json;

namespace EveStorage.Tests;

/// <summary>How a run of a program ended.</summary>
internal sealed record Ended(int Code, string Output, string Error)
{
    /// <summary>What it answered a program.</summary>
    internal JsonElement Json => JsonDocument.Parse(Output).RootElement;
}

/// <summary>Programs, as an author runs them.</summary>
internal static class Shell
{
    /// <summary>Runs a program to its end, in a directory and with variables of its own.</summary>
    internal static async Task<Ended> RunAsync(string program, IReadOnlyList<string> arguments, string? directory = null, IReadOnlyDictionary<string, string>? variables = null)
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = directory ?? "/" };
        foreach ((string name, string value) in variables ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        using Process process = new() { StartInfo = start };
        process.Start();
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        Task<string> error = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return new(process.ExitCode, await output, await error);
    }

    /// <summary>Runs a program that has to succeed.</summary>
    internal static async Task<Ended> DoAsync(string program, IReadOnlyList<string> arguments, string? directory = null, IReadOnlyDictionary<string, string>? variables = null)
    {
        Ended ended = await RunAsync(program, arguments, directory, variables);
        ended.Code.ShouldBe(0, $"{program} {string.Join(' ', arguments)}: {ended.Output}{ended.Error}");
        return ended;
    }
}
