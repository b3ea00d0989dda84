namespace EveStorage.Zfs;

/// <summary>
/// What took the place of a pool's drives, by the operations that put it there: <c>operation=id,operation=id</c>, kept in the pool. Undoing
/// an operation takes out what that one has put in and nothing else, even where the device is gone. An operation notes itself before it
/// asks ZFS, without an id, and the id that ZFS has given as soon as that is known.
/// </summary>
/// <param name="All">The notes; null when there are none.</param>
internal sealed record Replacements(string? All)
{
    internal static async Task<Replacements> FindAsync(Zpool zpool, CancellationToken cancellationToken)
        => new((await zpool.FindAsync(zpool.Root, cancellationToken, Property.PoolReplacements))?[0]);

    /// <summary>What an operation put in; empty when it asked ZFS to, and did not live to see what came of it; null when it never did.</summary>
    internal string? By(Guid operation) => Property.In(All, $"{operation:N}");

    /// <summary>Notes what an operation puts in; null when that is undone. Those go for which there is nothing left to undo: what they put in shares no place any more.</summary>
    internal Task NoteAsync(Zpool zpool, PoolReport report, Guid operation, string? id, CancellationToken cancellationToken)
    {
        IEnumerable<string> others = (All ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Where(note => !note.StartsWith($"{operation:N}=", StringComparison.Ordinal) && (note.EndsWith('=') || Sharing(report).Any(vdev => note.EndsWith($"={vdev.Guid}", StringComparison.Ordinal))));
        return zpool.SetAsync(zpool.Root, [Property.Set(Property.PoolReplacements, string.Join(',', id is null ? others : others.Append($"{operation:N}={id}")))], cancellationToken);
    }

    /// <summary>The drives that share their place, while one is written to from the others.</summary>
    internal static IEnumerable<Vdev> Sharing(PoolReport report)
        => report.Groups.SelectMany(group => group.All).Where(vdev => vdev.Type == "replacing").SelectMany(vdev => vdev.Below);
}
