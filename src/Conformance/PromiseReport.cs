namespace EveStorage.Conformance;

/// <summary>How a promise of the contract was kept.</summary>
/// <param name="Promise">The promise.</param>
/// <param name="Kept">Whether it was kept; null where it was not tried.</param>
/// <param name="Reason">What was broken, or why it was not tried where that is not for want of a claim; else null.</param>
public sealed record PromiseReport(string Promise, bool? Kept, string? Reason)
{
    /// <summary>Whether a call did not return in time. What it does now nobody knows, so that nothing more is asked of its plugin.</summary>
    public bool Hangs { get; init; }

    /// <summary>It does not claim what the promise is about.</summary>
    internal static PromiseReport NotClaimed(string promise) => new(promise, null, null);

    /// <summary>It was not tried, after another hung.</summary>
    internal static PromiseReport NotTried(string promise) => new(promise, null, "was not tried, since a call before it did not return");

    /// <summary>Runs <paramref name="check"/>, and says in a sentence what is wrong. Nothing that a plugin does but to end the process gets out of it.</summary>
    internal static async Task<PromiseReport> OfAsync(string promise, Func<CancellationToken, Task> check, TimeSpan limit, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        late.CancelAfter(limit);
        try
        {
            // A plugin may wait where it should not, on the thread that calls it: it gets one to keep.
            await Task.Run(() => check(late.Token), cancellationToken).WaitAsync(limit + s_grace, cancellationToken);
            return new(promise, true, null);
        }
        catch (TimeoutException)
        {
            return new(promise, false, $"a call did not return within {limit.TotalSeconds:0.###} s, although it was cancelled then") { Hangs = true };
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return new(promise, false, $"it was not done within {limit.TotalSeconds:0.###} s");
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            return new(promise, false, SentenceOf(e));
        }
    }

    /// <summary>This, and what was wrong with removing what it had made.</summary>
    internal PromiseReport And(PromiseReport left)
        => left.Kept == true
            ? this
            : this with { Kept = false, Hangs = Hangs || left.Hangs, Reason = $"{(Reason is null ? "" : $"{Reason}; ")}what was made could not be removed: {left.Reason}" };

    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(5);

    private static string SentenceOf(Exception e)
        => e is ConformanceException or StorageException ? e.Message : $"{e.Message} ({e.GetType().Name}, which is none that may cross a plugin's border)";
}
