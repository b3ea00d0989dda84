using EveStorage.Cli.Api;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Desired;

/// <summary>
/// What would be refused, told before anything is done: the plan of each change is asked for, as its verb asks for it. One that needs an earlier
/// change of the file can't be planned before that is done, and is judged when its turn comes; so is one that is refused for what is here now,
/// after a change that may make it otherwise.
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
        Difference judged = await JudgeAsync(first, _ => true, cancellationToken);
        for (int look = 1; look < MaxLooks && judged.Changes.Any(IsOthers); look++)
        {
            Dictionary<(string Subject, string Does), ErrorReport> before = judged.Changes.Where(change => change.Refusal is not null)
                .DistinctBy(KeyOf).ToDictionary(KeyOf, change => change.Refusal!);
            judged = await JudgeAsync(await findAsync(), change => before.ContainsKey(KeyOf(change)), cancellationToken);
            if (judged.Changes.Where(IsOthers).All(change => before.GetValueOrDefault(KeyOf(change)) == change.Refusal))
            {
                break;   // it stands
            }
        }

        return judged;
    }

    private static (string Subject, string Does) KeyOf(DesiredChange change) => (change.Subject, change.Does);

    private static bool IsOthers(DesiredChange change) => change.Refusal is { Kind: StorageErrorKind.Busy or StorageErrorKind.Conflict or StorageErrorKind.NotFound };

    // One pass: of the changes before one it takes what they are about, and whether one of them is done at all.
    private async Task<Difference> JudgeAsync(Difference difference, Func<DesiredChange, bool> asks, CancellationToken cancellationToken)
    {
        HashSet<PoolName?> emptied = [.. difference.Changes.Where(change => change.Destroys).Select(change => change.Request!.Scope)];
        HashSet<string> subjects = [];
        HashSet<PoolName?> scopes = [];
        List<DesiredChange> judged = [];
        bool some = false;
        foreach (DesiredChange change in difference.Changes)
        {
            // What is about the same thing, or about the pool that it is in, or about what is in the pool that it is about.
            bool needs = subjects.Contains(change.Subject) || subjects.Contains($"{change.Request?.Scope}") || (change.Request is DeletePool && scopes.Contains(change.Request.Scope));
            DesiredChange told = change.Request is null || needs || !asks(change) ? change
                : await RefusalOfAsync(change, cancellationToken) is StorageException refusal && !MayPass(refusal.Kind, some, emptied.Contains(change.Request.Scope)) ? Refused(change, refusal)
                : change;
            judged.Add(told);
            some |= told.Request is not null;
            subjects.Add(change.Subject);
            scopes.Add(change.Request?.Scope);
        }

        return difference with { Changes = judged };
    }

    // What goes first may make the room; and whatever comes first may free a place, a number or a drive, or mount what this lies in.
    private static bool MayPass(StorageErrorKind kind, bool afterOthers, bool makesRoom)
        => kind == StorageErrorKind.OutOfSpace ? makesRoom
            : afterOthers && kind is (StorageErrorKind.Conflict or StorageErrorKind.Busy or StorageErrorKind.NotFound or StorageErrorKind.Unavailable);

    private static DesiredChange Refused(DesiredChange change, StorageException e)
        => change with { Request = null, Refusal = new(e.Kind, change.Subject, e.Subject == change.Subject ? ErrorReport.Of(e).Message : e.Message) };

    private async Task<StorageException?> RefusalOfAsync(DesiredChange change, CancellationToken cancellationToken)
    {
        try
        {
            using SafeFileHandle? image = change.Image is null ? null : images.Open(change.Image);
            await api.PlanAsync(change.Request!, image, cancellationToken);
            return null;
        }
        catch (StorageException e)
        {
            return e;
        }
    }
}
