namespace EveStorage.Host.FileSystems;

/// <summary>
/// Has a volume's record say where it is mounted. From then on a start mounts it so, or no more. The record keeps which operation
/// did and what it found, so that another process can undo it after a crash.
/// </summary>
internal sealed class RecordMount(IStoragePool pool, VolumeName volume, MountRecord wanted) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => wanted.Wanted
        ? $"record that {pool.Name}/{volume} is mounted at {wanted.At}{(wanted.ReadOnly ? " to read only" : "")}"
        : $"record that {pool.Name}/{volume} is not mounted";

    // The volume need not be there while this is planned.
    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.Change;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        VolumeRecord record = await pool.Records.FindAsync(volume, cancellationToken)
            ?? throw new StorageException(StorageErrorKind.NotFound, $"{pool.Name}/{volume}", "is no volume here");
        bool ours = record.Mount?.ChangedBy == context.Request.Id;
        if (record.Mount is MountRecord there && there.At == wanted.At && there.ReadOnly == wanted.ReadOnly && there.Wanted == wanted.Wanted)
        {
            return ours ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        MountRecord? before = ours ? record.Mount!.Before : record.Mount is null ? null : record.Mount with { Before = null };
        await pool.Records.ReplaceAsync(volume, record with { Mount = wanted with { ChangedBy = context.Request.Id, Before = before } }, cancellationToken);
        return StepOutcome.Changed;
    }

    /// <inheritdoc/>
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (await pool.Records.FindAsync(volume, cancellationToken) is VolumeRecord record && record.Mount?.ChangedBy == context.Request.Id)
        {
            await pool.Records.ReplaceAsync(volume, record with { Mount = record.Mount.Before }, cancellationToken);
        }
    }
}
