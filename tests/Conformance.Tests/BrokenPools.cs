namespace EveStorage.Tests;

/// <summary>A pool that passes everything on, to be broken in one place.</summary>
internal class PassingPool(IStoragePool inner) : ISnapshotPool, IResizablePool
{
    protected ISnapshotPool Inner { get; } = (ISnapshotPool)inner;

    public Guid Id => Inner.Id;

    public PoolName Name => Inner.Name;

    public BackendCapabilities Capabilities => Inner.Capabilities;

    public virtual IPoolRecords Records => Inner.Records;

    public virtual ValueTask<VolumeInfo?> FindVolumeAsync(VolumeName name, CancellationToken cancellationToken) => Inner.FindVolumeAsync(name, cancellationToken);

    public IAsyncEnumerable<VolumeInfo> ListVolumesAsync(CancellationToken cancellationToken) => Inner.ListVolumesAsync(cancellationToken);

    public ValueTask<PoolStatus> GetStatusAsync(CancellationToken cancellationToken) => Inner.GetStatusAsync(cancellationToken);

    public string PathOf(VolumeName name) => Inner.PathOf(name);

    public virtual ValueTask<IBlockSource> OpenBlocksAsync(VolumeName name, BlockAccess access, CancellationToken cancellationToken)
        => Inner.OpenBlocksAsync(name, access, cancellationToken);

    public virtual ValueTask<Plan> PlanCreateAsync(VolumeSpec spec, CancellationToken cancellationToken) => Inner.PlanCreateAsync(spec, cancellationToken);

    public ValueTask<Plan> PlanRenameAsync(VolumeName name, VolumeName newName, CancellationToken cancellationToken)
        => Inner.PlanRenameAsync(name, newName, cancellationToken);

    public virtual ValueTask<Plan> PlanDeleteAsync(VolumeName name, CancellationToken cancellationToken) => Inner.PlanDeleteAsync(name, cancellationToken);

    public IAsyncEnumerable<SnapshotInfo> ListSnapshotsAsync(VolumeName volume, CancellationToken cancellationToken)
        => Inner.ListSnapshotsAsync(volume, cancellationToken);

    public ValueTask<Plan> PlanSnapshotAsync(IReadOnlyList<SnapshotName> snapshots, CancellationToken cancellationToken)
        => Inner.PlanSnapshotAsync(snapshots, cancellationToken);

    public ValueTask<Plan> PlanCloneAsync(SnapshotName snapshot, VolumeName clone, CancellationToken cancellationToken)
        => Inner.PlanCloneAsync(snapshot, clone, cancellationToken);

    public ValueTask<Plan> PlanRollbackAsync(SnapshotName snapshot, CancellationToken cancellationToken) => Inner.PlanRollbackAsync(snapshot, cancellationToken);

    public ValueTask<Plan> PlanDeleteSnapshotAsync(SnapshotName snapshot, CancellationToken cancellationToken)
        => Inner.PlanDeleteSnapshotAsync(snapshot, cancellationToken);

    public ValueTask<Plan> PlanGrowAsync(VolumeName name, ByteSize size, CancellationToken cancellationToken)
        => ((IResizablePool)Inner).PlanGrowAsync(name, size, cancellationToken);

    public ValueTask DisposeAsync() => Inner.DisposeAsync();
}

/// <summary>Deletes by name, whoever made what has it.</summary>
internal sealed class ForgetsTheMarkPool(IStoragePool inner) : PassingPool(inner)
{
    public override ValueTask<Plan> PlanDeleteAsync(VolumeName name, CancellationToken cancellationToken)
        => new(Plan.Of(new DeleteByName(Path.GetDirectoryName(PathOf(name))!)));

    private sealed class DeleteByName(string directory) : StorageStep
    {
        public override string Title => $"delete {directory}";

        public override StepEffect Expected => StepEffect.Destroys(directory);

        public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        {
            Directory.Delete(directory, recursive: true);
            return new(StepOutcome.Changed);
        }

        public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }
}

/// <summary>Undoes a create by deleting what has the name, though another operation made it.</summary>
internal sealed class RevertsTooMuchPool(IStoragePool inner) : PassingPool(inner)
{
    public override async ValueTask<Plan> PlanCreateAsync(VolumeSpec spec, CancellationToken cancellationToken)
        => Plan.Of([.. (await Inner.PlanCreateAsync(spec, cancellationToken)).Steps.Select(step => new RevertsAll(step, Inner, spec.Name))]);

    private sealed class RevertsAll(StorageStep step, IStoragePool pool, VolumeName name) : StorageStep
    {
        public override string Title => step.Title;

        public override StepEffect Expected => step.Expected;

        public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        {
            await step.ApplyAsync(context, cancellationToken);
            return StepOutcome.Changed;
        }

        public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        {
            foreach (StorageStep delete in (await pool.PlanDeleteAsync(name, cancellationToken)).Steps)
            {
                await delete.ApplyAsync(context, cancellationToken);
            }
        }
    }
}

/// <summary>Opens for writing whatever is asked for.</summary>
internal sealed class ReadersWritePool(IStoragePool inner) : PassingPool(inner)
{
    public override ValueTask<IBlockSource> OpenBlocksAsync(VolumeName name, BlockAccess access, CancellationToken cancellationToken)
        => Inner.OpenBlocksAsync(name, BlockAccess.ReadWrite, cancellationToken);
}
