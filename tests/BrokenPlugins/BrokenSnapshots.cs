namespace EveStorage.Broken;

/// <summary>Makes a clone of what the volume is now, and not of what the snapshot froze.</summary>
public sealed class ThawedSnapshotsPlugin : BrokenPlugin
{
    protected override IStoragePool Break(IStoragePool pool) => new Thawed(pool);

    private sealed class Thawed(IStoragePool inner) : PassingPool(inner)
    {
        public override async ValueTask<Plan> PlanCloneAsync(SnapshotName snapshot, VolumeName clone, CancellationToken cancellationToken)
            => Plan.Of([.. (await Inner.PlanCloneAsync(snapshot, clone, cancellationToken)).Steps.Select(step => new CopyNow(step, Inner, snapshot.Volume, clone))]);
    }

    private sealed class CopyNow(StorageStep inner, IStoragePool pool, VolumeName from, VolumeName to) : PassingStep(inner)
    {
        public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        {
            StepOutcome outcome = await base.ApplyAsync(context, cancellationToken);
            await using IBlockSource source = await pool.OpenBlocksAsync(from, BlockAccess.Read, cancellationToken);
            await using IBlockSource target = await pool.OpenBlocksAsync(to, BlockAccess.ReadWrite, cancellationToken);
            byte[] all = new byte[source.Size.Bytes];
            await source.ReadAsync(0, all, cancellationToken);
            await target.WriteAsync(0, all, WriteDurability.Stable, cancellationToken);
            return outcome;
        }
    }
}

/// <summary>Writes what is written to a clone to the volume that it was cloned from, too.</summary>
public sealed class SharedClonesPlugin : BrokenPlugin
{
    protected override IStoragePool Break(IStoragePool pool) => new Shared(pool);

    private sealed class Shared(IStoragePool inner) : PassingPool(inner)
    {
        private readonly Dictionary<VolumeName, VolumeName> _sources = [];

        public override ValueTask<Plan> PlanCloneAsync(SnapshotName snapshot, VolumeName clone, CancellationToken cancellationToken)
        {
            _sources[clone] = snapshot.Volume;
            return Inner.PlanCloneAsync(snapshot, clone, cancellationToken);
        }

        public override async ValueTask<IBlockSource> OpenBlocksAsync(VolumeName name, BlockAccess access, CancellationToken cancellationToken)
        {
            IBlockSource blocks = await Inner.OpenBlocksAsync(name, access, cancellationToken);
            return access == BlockAccess.ReadWrite && _sources.TryGetValue(name, out VolumeName source) && await Inner.FindVolumeAsync(source, cancellationToken) is not null
                ? new Both(blocks, await Inner.OpenBlocksAsync(source, access, cancellationToken))
                : blocks;
        }
    }

    private sealed class Both(IBlockSource clone, IBlockSource source) : PassingBlocks(clone)
    {
        public override async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> data, WriteDurability durability, CancellationToken cancellationToken)
        {
            await base.WriteAsync(offset, data, durability, cancellationToken);
            await source.WriteAsync(offset, data, durability, cancellationToken);
        }

        public override async ValueTask DisposeAsync()
        {
            await source.DisposeAsync();
            await base.DisposeAsync();
        }
    }
}
