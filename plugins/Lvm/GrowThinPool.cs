using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>
/// Gives a thin pool most of the room that its volume group has free, after a drive was added. A redundant one needs it on as
/// many drives as its copies: until then it stays free, for metadata and for replacing a drive.
/// </summary>
internal sealed class GrowThinPool(LvmThinPool pool, string device) : StorageStep
{
    // The rest stays so that metadata can grow.
    private const int Percent = 95;

    public override string Title => $"give the new room to the thin pool of {pool.Name}";

    public override StepEffect Expected => StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        if (await WasGivenAsync(cancellationToken))
        {
            return StepOutcome.AlreadySo;
        }

        // Its metadata first: one that is full takes no writes, and growing is what heals it.
        bool grown = await ThinPoolRoom.GrowMetadataAsync(pool, await pool.Group.ListAsync(cancellationToken), cancellationToken);
        LogicalVolume thin = pool.PoolIn(await pool.Group.ListAsync(cancellationToken));
        GroupFacts facts = await pool.Group.RequireAsync(cancellationToken);
        if (facts.Free.Bytes <= 3 * thin.MetadataSize.Bytes)
        {
            return grown ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        try
        {
            await pool.Group.RunAsync("lvextend", ["--yes", "--extents", $"+{Percent}%FREE", pool.Group.Subject(LvName.ThinPool)], cancellationToken);
        }
        catch (CommandException) when (pool.Shape.Redundancy != PoolRedundancy.None)
        {
            return grown ? StepOutcome.Changed : StepOutcome.AlreadySo;   // there is no room for every copy of the data
        }

        return StepOutcome.Changed;
    }

    // A drive on which some of its data lies brings no room: what is free then is what metadata was left. One with metadata alone does, as
    // LVM may have failed after that had grown.
    private async Task<bool> WasGivenAsync(CancellationToken cancellationToken)
        => await pool.FindDriveAsync(device, cancellationToken) is { Used.Bytes: > 0 } there
            && VolumeGroup.AreOn(await pool.Group.ExtentsOfAsync(LvName.ThinPoolData, cancellationToken), there.Path);

    // A thin pool does not shrink. What it has got is of use, and undoing goes no further than this.
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
