namespace EveStorage.Broken;

/// <summary>A pool that passes everything on, to be broken in one place.</summary>
internal class PassingPool(IStoragePool inner) : ISnapshotPool, IResizablePool
{
    protected ISnapshotPool Inner { get; } = (ISnapshotPool)inner;

    public Guid Id => Inner.Id;

    public PoolName Name => Inner.Name;

    public virtual BackendCapabilities Capabilities => Inner.Capabilities;

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

    public virtual ValueTask<Plan> PlanCloneAsync(SnapshotName snapshot, VolumeName clone, CancellationToken cancellationToken)
        => Inner.PlanCloneAsync(snapshot, clone, cancellationToken);

    public ValueTask<Plan> PlanRollbackAsync(SnapshotName snapshot, CancellationToken cancellationToken) => Inner.PlanRollbackAsync(snapshot, cancellationToken);

    public ValueTask<Plan> PlanDeleteSnapshotAsync(SnapshotName snapshot, CancellationToken cancellationToken)
        => Inner.PlanDeleteSnapshotAsync(snapshot, cancellationToken);

    public virtual ValueTask<Plan> PlanGrowAsync(VolumeName name, ByteSize size, CancellationToken cancellationToken)
        => ((IResizablePool)Inner).PlanGrowAsync(name, size, cancellationToken);

    public ValueTask DisposeAsync() => Inner.DisposeAsync();
}

/// <summary>A step that passes everything on, to be broken in one place.</summary>
internal class PassingStep(StorageStep inner) : StorageStep
{
    public override string Title => inner.Title;

    public override StepEffect Expected => inner.Expected;

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken) => inner.ApplyAsync(context, cancellationToken);

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => inner.RevertAsync(context, cancellationToken);
}

/// <summary>Blocks that pass everything on, to be broken in one place.</summary>
internal class PassingBlocks(IBlockSource inner) : IBlockSource
{
    protected IBlockSource Inner => inner;

    public ByteSize Size => inner.Size;

    public virtual bool TryRead(long offset, Span<byte> destination) => inner.TryRead(offset, destination);

    public virtual ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken) => inner.ReadAsync(offset, destination, cancellationToken);

    public virtual ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken)
        => inner.WriteAsync(offset, source, durability, cancellationToken);

    public virtual ValueTask FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken) => inner.DiscardAsync(offset, length, cancellationToken);

    public ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken) => inner.WriteZeroesAsync(offset, length, cancellationToken);

    public virtual ValueTask DisposeAsync() => inner.DisposeAsync();
}
