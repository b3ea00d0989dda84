using System.Diagnostics;
using EveStorage.Conformance;

namespace EveStorage.Trials;

/// <summary>Says of each promise whether it was kept.</summary>
public sealed class Sentences(TextWriter output)
{
    public int Broken { get; private set; }

    /// <summary>Runs what holds when it does not throw. The others are run whatever comes of it.</summary>
    public async Task SayAsync(string sentence, Func<Task> runAsync)
    {
        long start = Stopwatch.GetTimestamp();
        string? reason = null;
        try
        {
            await runAsync();
        }
        catch (Exception e) when (e is ConformanceException or StorageException or AggregateException or OperationCanceledException)
        {
            reason = e.ToString();
            Broken++;
        }

        await output.WriteLineAsync($"{(reason is null ? "kept" : "BROKEN")}: {sentence} ({Stopwatch.GetElapsedTime(start).TotalSeconds:0} s){(reason is null ? "" : $": {reason}")}");
        await output.FlushAsync();
    }

    public static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new ConformanceException(otherwise);
        }
    }

    /// <summary>Requires that something is refused with a kind, a subject and a sentence, and gives what was said.</summary>
    public static async Task<StorageException> RefusedAsync(StorageErrorKind kind, Func<Task> runAsync)
    {
        try
        {
            await runAsync();
        }
        catch (StorageException e)
        {
            Require(e.Kind == kind, $"it is refused as {e.Kind}, not {kind}: {e.Message}");
            Require(e.Subject.Length > 0 && e.Message.Length > e.Subject.Length + 10, $"it does not say what of which thing: {e.Message}");
            return e;
        }

        throw new ConformanceException("it was not refused");
    }
}
