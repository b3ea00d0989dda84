namespace EveStorage.Zfs;

/// <summary>
/// Gives a volume another name, in one transaction of ZFS's. A note on it says before which operation is about to do that and what
/// its name was, so that a crash leaves no doubt about who renamed it. Whoever has it open goes on.
/// </summary>
internal sealed class RenameVolume(ZfsPool pool, VolumeName from, VolumeName to, StepEffect expected) : StorageStep
{
    public override string Title => $"rename {pool.Subject(from)} to {to}";

    public override StepEffect Expected => expected;

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException">Something has the new name.</exception>
    internal static async Task<RenameVolume> PlanAsync(ZfsPool pool, VolumeName from, VolumeName to, CancellationToken cancellationToken)
        => new(pool, from, to, await FindDoneAsync(pool, from, to, cancellationToken) is null ? StepEffect.Change : StepEffect.AlreadySo);

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        if (await FindDoneAsync(pool, from, to, cancellationToken) is Dataset done)
        {
            await pool.RequireReadyAsync(to, done.Form, done.Size, cancellationToken);
            return Property.NotedBy(done.Renamed, context.Request.Id) is not null || done.Mark == context.Mark ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        Dataset volume = pool.OursIn(await pool.Zpool.ListAsync(from, cancellationToken), from)
            ?? throw new StorageException(StorageErrorKind.NotFound, pool.Subject(from), "there is no such volume");
        await pool.Zpool.SetAsync(volume.Name, [Property.Set(Property.VolumeRenamed, $"{context.Request.Id}:{from}")], cancellationToken);
        await MoveAsync(from, to, volume, cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        if (pool.Zpool.In(await pool.Zpool.ListAsync(to, cancellationToken), to) is { Mark: not null } renamed
            && Property.NotedBy(renamed.Renamed, context.Request.Id) == $"{from}")
        {
            await MoveAsync(to, from, renamed, cancellationToken);
        }
    }

    private async Task MoveAsync(VolumeName before, VolumeName after, Dataset volume, CancellationToken cancellationToken)
    {
        await pool.Zpool.Tools.ZfsAsync(pool.Subject(before), ["rename", pool.Zpool.DatasetOf(before), pool.Zpool.DatasetOf(after)], cancellationToken);
        await pool.RequireReadyAsync(after, volume.Form, volume.Size, cancellationToken);
        ZvolNode.Forget(pool.Zpool.DatasetOf(before));
    }

    private static async Task<Dataset?> FindDoneAsync(ZfsPool pool, VolumeName from, VolumeName to, CancellationToken cancellationToken)
    {
        bool isThere = pool.OursIn(await pool.Zpool.ListAsync(from, cancellationToken), from) is not null;
        Dataset? there = pool.OursIn(await pool.Zpool.ListAsync(to, cancellationToken), to);
        return there is null ? null
            : !isThere && there.Renamed?.Split(':', 2)[^1] == $"{from}" ? there
            : throw new StorageException(StorageErrorKind.Conflict, pool.Subject(to), "is there: choose another name");
    }
}
