using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>Makes the small logical volume of the pool's records, as redundant as the pool.</summary>
internal sealed class CreateRecords(PoolInMaking making, StepEffect expected) : StorageStep
{
    public override string Title { get; } = $"make room for the records of {making.Options.MaxVolumes} volumes in {making.Request.Group}";

    public override StepEffect Expected => expected;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await making.LockAsync(Title, cancellationToken);
        VolumeGroup group = await making.RequireGroupAsync(cancellationToken);
        GroupFacts facts = await group.RequireAsync(cancellationToken);
        if (facts.Tags.Making is null)
        {
            return StepOutcome.AlreadySo;   // the pool is finished, by this operation or an earlier one
        }

        IReadOnlyList<LogicalVolume> all = await group.ListCommittedAsync(cancellationToken);
        if (all.FirstOrDefault(lv => lv.Name == LvName.Records) is null)
        {
            ByteSize size = RecordArea.LengthFor(making.Options.MaxVolumes).RoundUpTo(facts.Extent);
            await group.CreateAsync(
                [
                    .. making.Request.Shape.SmallWords, "--size", $"{size.Bytes}b", "--name", LvName.Records, "--zero", "n", "--wipesignatures", "n",
                    .. MadeVolume.TagWords([LvTags.Owner, LvTags.OperationTag(context.Request.Id)]), group.Name,
                ],
                cancellationToken);
        }

        // Until the pool is finished nothing is in them: formatting again after a crash loses nothing.
        string path = await making.Tools.Mapper.RequireNodeAsync(group.DeviceOf(LvName.Records), group.Subject(LvName.Records), cancellationToken);
        using RecordDisk disk = new(path, group.Subject(LvName.Records));
        RecordArea.Format(disk, context.IdOf(making.Request.Name));
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        => await PoolPart.RemoveAsync(making, LvName.Records, context, $"undo: {Title}", cancellationToken);
}
