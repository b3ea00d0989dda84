using System.Text.Json.Serialization;
using EveStorage.Cli.Api;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Desired;

/// <summary>What became of something that was otherwise than a file says.</summary>
internal enum DesiredOutcome
{
    /// <summary>It is as the file says now.</summary>
    Done,

    /// <summary>It is not.</summary>
    Failed,

    /// <summary>Nothing was tried, since what it needs is not there.</summary>
    Left,
}

/// <summary>What became of one of them.</summary>
/// <param name="Subject">The pool or the volume.</param>
/// <param name="Does">What was to be done.</param>
/// <param name="Outcome">What became of it.</param>
internal sealed record DesiredResult(string Subject, string Does, DesiredOutcome Outcome)
{
    /// <summary>Why it failed; null when it did not.</summary>
    public ErrorReport? Error { get; init; }

    /// <summary>Whether it was refused since somebody else has it in hand, has just made it, or has just taken it away.</summary>
    [JsonIgnore]
    public bool IsOthers { get; init; }
}

/// <summary>What came of a file.</summary>
/// <param name="Changes">What was otherwise than it says; empty where nothing was.</param>
/// <param name="Same">How many things of it were as it says from the first.</param>
internal sealed record DesiredReport(IReadOnlyList<DesiredResult> Changes, int Same)
{
    /// <summary>The first thing that went wrong; null when nothing did.</summary>
    internal ErrorReport? Error => Changes.Select(change => change.Error).FirstOrDefault(error => error is not null);
}

/// <summary>Runs a change to its end, and answers how it ended.</summary>
internal delegate Task<OperationReport> RunChange(ChangeRequest request, SafeFileHandle? image, CancellationToken cancellationToken);

/// <summary>
/// Makes so what a file says. It is made of the operations that verbs ask for, one after the other, each journaled and locked as always:
/// one that was killed is finished or undone by the next start, and the rest still differs. Others may change the same things meanwhile,
/// another run of the same file among them: where a change is refused for that, all is looked at again.
/// </summary>
internal sealed class DesiredRun(IStorageApi api, DesiredImages images, RunChange run)
{
    private const int MaxRounds = 4;

    /// <summary>Makes it so. What fails keeps nothing else from being done but what needs it.</summary>
    /// <param name="state">What is to be.</param>
    /// <param name="found">What differs, as it was shown; null to look. Nothing is removed that is not in it.</param>
    /// <param name="told">Is told each result, once it stands; what fails the same way when it is tried again, no second time.</param>
    /// <param name="cancellationToken">Stops it, between two changes or in one, which is then undone.</param>
    internal async Task<DesiredReport> RunAsync(DesiredState state, Difference? found, Action<DesiredResult> told, CancellationToken cancellationToken)
    {
        Difference first = found ?? await FindAsync(state, cancellationToken);
        List<DesiredResult> results = [];
        Difference difference = first;
        HashSet<DesiredResult> said = [];
        HashSet<ChangeRequest> shown = [.. first.Changes.Where(change => change.Destroys).Select(change => change.Request!)];
        for (int round = 1; ; round++)
        {
            List<DesiredResult> done = await MakeAsync(difference.Changes.Where(change => !change.Destroys || shown.Contains(change.Request!)), cancellationToken);
            DesiredResult[] again = [.. round == MaxRounds ? [] : done.Where(result => result.IsOthers)];
            foreach (DesiredResult result in done.Where(result => again.Length == 0 || result is { Outcome: not DesiredOutcome.Left, IsOthers: false }))
            {
                results.Add(result);
                if (said.Add(result))
                {
                    told(result);
                }
            }

            if (again.Length == 0)
            {
                return new(results, first.Same);
            }

            difference = StillRefused(await FindAsync(state, cancellationToken), first);
            results.RemoveAll(result => result.Outcome == DesiredOutcome.Failed);
            results.AddRange(DoneByOthers(done, difference));
        }
    }

    private async Task<Difference> FindAsync(DesiredState state, CancellationToken cancellationToken) => images.Judge(await Difference.FindAsync(api, state, cancellationToken));

    // What was shown as refused is not tried, however often all is looked at again for another one's sake.
    private static Difference StillRefused(Difference difference, Difference first)
    {
        Dictionary<(string Subject, string Does), DesiredChange> refused = first.Changes.Where(change => change.Request is null)
            .DistinctBy(change => (change.Subject, change.Does)).ToDictionary(change => (change.Subject, change.Does));
        return difference with { Changes = [.. difference.Changes.Select(change => change.Request is null ? change : refused.GetValueOrDefault((change.Subject, change.Does), change))] };
    }

    // What was refused and does not differ any more has been done, by whom ever.
    private static IEnumerable<DesiredResult> DoneByOthers(List<DesiredResult> results, Difference difference)
    {
        HashSet<string> differing = [.. difference.Changes.Select(change => change.Subject)];
        return results.Where(result => (result.IsOthers || result.Outcome == DesiredOutcome.Left) && !differing.Contains(result.Subject))
            .Select(result => result with { Outcome = DesiredOutcome.Done, Error = null });
    }

    private async Task<List<DesiredResult>> MakeAsync(IEnumerable<DesiredChange> changes, CancellationToken cancellationToken)
    {
        HashSet<string> failed = [];
        List<DesiredResult> results = [];
        foreach (DesiredChange change in changes)
        {
            DesiredResult result = await MakeAsync(change, failed, cancellationToken);
            results.Add(result);
            if (result.Outcome != DesiredOutcome.Done)
            {
                failed.Add(change.Subject);
            }
        }

        return results;
    }

    private async Task<DesiredResult> MakeAsync(DesiredChange change, HashSet<string> failed, CancellationToken cancellationToken)
    {
        DesiredResult left = new(change.Subject, change.Does, DesiredOutcome.Left);
        if (change.Request is null)
        {
            return left with { Outcome = DesiredOutcome.Failed, Error = change.Refusal };
        }

        if (failed.Contains(change.Subject) || failed.Contains($"{change.Request.Scope}"))
        {
            return left;
        }

        ErrorReport? error = await ErrorOfAsync(change.Request, change.Image, cancellationToken);
        return left with
        {
            Outcome = error is null ? DesiredOutcome.Done : DesiredOutcome.Failed,
            Error = error,
            IsOthers = error is { Kind: StorageErrorKind.Busy or StorageErrorKind.Conflict or StorageErrorKind.NotFound },
        };
    }

    private async Task<ErrorReport?> ErrorOfAsync(ChangeRequest request, string? file, CancellationToken cancellationToken)
    {
        try
        {
            using SafeFileHandle? image = file is null ? null : images.Open(file);
            OperationReport ended = await run(request, image, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            return ended.State == OperationState.Succeeded ? null : ended.Error ?? new(StorageErrorKind.Unavailable, request.Subject, "was cancelled by somebody, and undone");
        }
        catch (StorageException e)
        {
            return ErrorReport.Of(e);
        }
    }
}
