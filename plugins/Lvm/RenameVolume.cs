namespace EveStorage.Lvm;

/// <summary>
/// Gives a volume another name, in one commit of LVM's. A note in its tags says before which operation is about to do that
/// and what its name was, so that a crash leaves no doubt about who renamed it. Whoever has it open goes on.
/// </summary>
internal sealed class RenameVolume(LvmPool pool, VolumeName from, VolumeName to, StepEffect expected) : StorageStep
{
    public override string Title => $"rename {pool.Subject(from)} to {to}";

    public override StepEffect Expected => expected;

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException">Something has the new name.</exception>
    internal static async Task<RenameVolume> PlanAsync(LvmPool pool, VolumeName from, VolumeName to, CancellationToken cancellationToken)
    {
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
        if (DoneIn(pool, all, from, to) is not null)
        {
            return new(pool, from, to, StepEffect.AlreadySo);
        }

        RequireFree(pool, all, to);
        return new(pool, from, to, StepEffect.Change);
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
        if (DoneIn(pool, all, from, to) is LogicalVolume done)
        {
            return done.Tags.ChangedBy == context.Request.Id || done.Tags.Mark == context.Mark ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        LogicalVolume volume = LvmPool.VolumeIn(all, from) ?? throw new StorageException(StorageErrorKind.NotFound, pool.Subject(from), "there is no such volume");
        RequireFree(pool, all, to);
        await pool.Group.ChangeAsync(volume.Name, [.. volume.Tags.NoteWords(context.Request.Id, "from-name", volume.Name)], cancellationToken);
        await MoveAsync(LvName.Of(from), LvName.Of(to), cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
        if (LvmPool.VolumeIn(all, to) is LogicalVolume renamed && renamed.Tags.ChangedBy == context.Request.Id && renamed.Tags.FromName == LvName.Of(from))
        {
            await MoveAsync(LvName.Of(to), LvName.Of(from), cancellationToken);
        }
    }

    private async Task MoveAsync(string before, string after, CancellationToken cancellationToken)
    {
        await pool.Group.RenameAsync(before, after, cancellationToken);
        if (DeviceMapper.Find(pool.Group.DeviceOf(after)) is not null)
        {
            await pool.Group.Tools.Mapper.RequireNodeAsync(pool.Group.DeviceOf(after), pool.Group.Subject(after), cancellationToken);
        }
    }

    private static LogicalVolume? DoneIn(LvmPool pool, IReadOnlyList<LogicalVolume> all, VolumeName from, VolumeName to)
        => pool.OursIn(all, from) is null && LvmPool.VolumeIn(all, to) is LogicalVolume there && there.Tags.FromName == LvName.Of(from) ? there : null;

    private static void RequireFree(LvmPool pool, IReadOnlyList<LogicalVolume> all, VolumeName name)
    {
        if (all.Any(lv => lv.Name == LvName.Of(name)))
        {
            throw new StorageException(StorageErrorKind.Conflict, pool.Subject(name), "is there: choose another name");
        }
    }
}
