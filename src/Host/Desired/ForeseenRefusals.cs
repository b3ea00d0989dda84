using EveStorage.Cli.Api;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Desired;

/// <summary>
/// What would be refused, told before anything is done: the plan of each change is asked for, as its verb asks for it. One that needs an earlier
/// change of the file can't be planned before that is done, and is judged when its turn comes.
/// </summary>
internal sealed class ForeseenRefusals(IStorageApi api, DesiredImages images)
{
    private const int MaxLooks = 4;

    /// <summary>What differs, each change that would be refused with its refusal.</summary>
    /// <param name="first">What differs, as it was found.</param>
    /// <param name="findAsync">Looks again: what somebody else has just done is no refusal.</param>
    /// <param name="cancellationToken">Stops it.</param>
    internal async Task<Difference> FindAsync(Difference first, Func<Task<Difference>> findAsync, CancellationToken cancellationToken)
    {
        Difference judged = await JudgeAsync(first, cancellationToken);
        for (int look = 1; look < MaxLooks && judged.Changes.Any(IsOthers); look++)
        {
            HashSet<ErrorReport> before = [.. judged.Changes.Where(IsOthers).Select(change => change.Refusal!)];
            judged = await JudgeAsync(await findAsync(), cancellationToken);
            if (judged.Changes.Where(IsOthers).All(change => before.Contains(change.Refusal!)))
            {
                break;   // it stands
            }
        }

        return judged;
    }

    private static bool IsOthers(DesiredChange change) => change.Refusal is { Kind: StorageErrorKind.Busy or StorageErrorKind.Conflict or StorageErrorKind.NotFound };

    private async Task<Difference> JudgeAsync(Difference difference, CancellationToken cancellationToken)
    {
        List<DesiredChange> judged = [];
        foreach (DesiredChange change in difference.Changes)
        {
            judged.Add(change.Request is null || difference.Changes.TakeWhile(other => other != change).Any(earlier => Needs(change, earlier)) ? change : await JudgeAsync(change, difference, cancellationToken));
        }

        return difference with { Changes = judged };
    }

    // What is about the same thing, or about the pool that it is in, or about what is in the pool that it is about.
    private static bool Needs(DesiredChange change, DesiredChange earlier)
        => earlier.Subject == change.Subject || earlier.Subject == $"{change.Request!.Scope}" || (change.Request is DeletePool && earlier.Request?.Scope == change.Request.Scope);

    private async Task<DesiredChange> JudgeAsync(DesiredChange change, Difference difference, CancellationToken cancellationToken)
    {
        try
        {
            using SafeFileHandle? image = change.Image is null ? null : images.Open(change.Image);
            await api.PlanAsync(change.Request!, image, cancellationToken);
            return change;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.OutOfSpace && difference.Changes.Any(other => other.Destroys && other.Request!.Scope == change.Request!.Scope))
        {
            return change;   // what goes first may make the room
        }
        catch (StorageException e)
        {
            return change with { Request = null, Refusal = new(e.Kind, change.Subject, e.Subject == change.Subject ? ErrorReport.Of(e).Message : e.Message) };
        }
    }
}
