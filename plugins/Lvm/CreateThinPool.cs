using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>Makes the thin pool: metadata for its worst case, data over the rest, both as redundant as the pool, and room for the metadata to grow.</summary>
internal sealed class CreateThinPool(PoolInMaking making, StepEffect expected) : StorageStep
{
    private readonly PoolShape _shape = making.Request.Shape;

    public override string Title { get; } = $"make the thin pool of {making.Request.Group} ({making.Request.Shape})";

    public override StepEffect Expected => expected;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await making.LockAsync(Title, cancellationToken);
        VolumeGroup group = await making.RequireGroupAsync(cancellationToken);
        GroupFacts facts = await group.RequireAsync(cancellationToken);
        if (facts.Tags.Making is null)
        {
            return StepOutcome.AlreadySo;
        }

        // It is one only since the last of these calls: a crash left parts, which hold nothing.
        IReadOnlyList<LogicalVolume> all = await group.ListCommittedAsync(cancellationToken);
        LogicalVolume? pool = all.FirstOrDefault(lv => lv.Name == LvName.ThinPool);
        if (pool is not null && pool.MetadataSize.Bytes > 0)
        {
            await MarkAsync(group, context, cancellationToken);
            return StepOutcome.Changed;
        }

        foreach (string part in (string[])[LvName.ThinPool, LvName.Metadata])
        {
            if (all.Any(lv => lv.Name == part))
            {
                await group.RemoveAsync(part, LvTags.OperationTag(context.Request.Id), context.Time, cancellationToken);
            }
        }

        await MakeAsync(group, context, cancellationToken);
        await MarkAsync(group, context, cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        await PoolPart.RemoveAsync(making, LvName.ThinPool, context, $"undo: {Title}", cancellationToken);
        await PoolPart.RemoveAsync(making, LvName.Metadata, context, $"undo: {Title}", cancellationToken);
    }

    private async Task MakeAsync(VolumeGroup group, OperationContext context, CancellationToken cancellationToken)
    {
        GroupFacts facts = await group.RequireAsync(cancellationToken);
        ThinPoolLayout layout = ThinPoolLayout.For(Redundancy.Usable(facts.Free, _shape.Redundancy, _shape.Legs), making.Options);
        string[] tags = [.. MadeVolume.TagWords([LvTags.Owner, LvTags.OperationTag(context.Request.Id)])];
        string[] bare = ["--zero", "n", "--wipesignatures", "n", "--activate", "n", .. tags, group.Name];
        await group.CreateAsync([.. _shape.SmallWords, "--size", $"{layout.Metadata.Bytes}b", "--name", LvName.Metadata, .. bare], cancellationToken);
        await group.CreateAsync([.. _shape.DataWords, "--extents", $"{layout.PercentOfFree}%FREE", "--name", LvName.ThinPool, .. bare], cancellationToken);
        await group.RunAsync(
            "lvconvert",
            [
                "--yes", "--type", "thin-pool", "--poolmetadata", group.Subject(LvName.Metadata), "--chunksize", $"{layout.Chunk.Bytes}b", "--zero", "y",
                "--discards", making.Options.DiscardPassdown ? "passdown" : "nopassdown", "--errorwhenfull", making.Options.ErrorWhenFull ? "y" : "n",
                group.Subject(LvName.ThinPool),
            ],
            cancellationToken);
    }

    // The conversion leaves the tags on the hidden data volume.
    private static Task MarkAsync(VolumeGroup group, OperationContext context, CancellationToken cancellationToken)
        => group.ChangeAsync(LvName.ThinPool, ["--addtag", LvTags.Owner, "--addtag", LvTags.OperationTag(context.Request.Id)], cancellationToken);
}
