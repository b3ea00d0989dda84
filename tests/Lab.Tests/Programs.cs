using EveStorage.Linux;

namespace EveStorage.Tests;

/// <summary>Runs programs of this machine, within a time.</summary>
internal static class Programs
{
    public static async Task<(int Code, string Output, string Error)> RunAsync(string program, IEnumerable<string> words, int seconds = 300)
    {
        TimeSpan limit = TimeSpan.FromSeconds(seconds);
        CommandLimits limits = new() { Total = limit, Stall = limit };
        Command command = Path.IsPathRooted(program)
            ? Command.At(program, limits)
            : Command.Find(program, limits) ?? throw new InvalidOperationException($"this machine has no {program}");
        try
        {
            return (0, await command.RunAsync([.. words], CancellationToken.None), "");
        }
        catch (CommandException e) when (e.ExitCode is int code)
        {
            return (code, "", e.Said);
        }
    }

    /// <summary>Runs a program that has to succeed, and gives what it printed.</summary>
    public static async Task<string> OutputAsync(string program, params string[] words)
    {
        (int code, string output, string error) = await RunAsync(program, words);
        code.ShouldBe(0, $"{program} {string.Join(' ', words)}: {error}");
        return output;
    }
}
