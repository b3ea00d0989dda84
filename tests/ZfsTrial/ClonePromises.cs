using EveStorage.Conformance;

namespace EveStorage.ZfsTrial;

/// <summary>What ZFS makes harder than the contract asks for: snapshots that clones need, and rollbacks along a line of snapshots.</summary>
internal static class ClonePromises
{
    private static readonly VolumeName s_volume = new("line");
    private static readonly VolumeName s_clone = new("off-line");

    internal static IReadOnlyList<ConformanceCase> Cases { get; } =
    [
        new("A snapshot with a clone is deleted, its name is free at once, and its volume goes before the clone", VolumeTraits.Snapshots, DeletedBeforeCloneAsync),
        new("A rollback says which newer snapshots are lost, and they are", VolumeTraits.Snapshots, RollbackSaysAsync),
        new("A rollback that would take a clone's snapshot is refused, and loses nothing", VolumeTraits.Snapshots, RollbackOfClonedAsync),
        new("A rollback stops at a newer snapshot that it was not told of", VolumeTraits.Snapshots, RollbackOfUntoldAsync),
    ];

    private static async Task DeletedBeforeCloneAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        ISnapshotPool snapshots = await StartAsync(pool, run, cancellationToken);
        await RunAsync(run, await snapshots.PlanCloneAsync(Of("one"), s_clone, cancellationToken), $"{s_clone}");
        await RunAsync(run, await snapshots.PlanDeleteSnapshotAsync(Of("one"), cancellationToken));
        Sentences.Require(await snapshots.ListSnapshotsAsync(s_volume, cancellationToken).CountAsync(cancellationToken) == 0, "the snapshot is listed");
        await RunAsync(run, await snapshots.PlanSnapshotAsync([Of("one")], cancellationToken), $"{Of("one")}");
        await RunAsync(run, await snapshots.PlanDeleteSnapshotAsync(Of("one"), cancellationToken));
        await RunAsync(run, await pool.PlanDeleteAsync(s_volume, cancellationToken));
        Sentences.Require(await pool.FindVolumeAsync(s_volume, cancellationToken) is null, "the volume is there");
        await using IBlockSource blocks = await pool.OpenBlocksAsync(s_clone, BlockAccess.Read, cancellationToken);
        await RequireAsync(blocks, 1, cancellationToken);
    }

    private static async Task RollbackSaysAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        ISnapshotPool snapshots = await StartAsync(pool, run, cancellationToken);
        await WriteAsync(pool, 2, cancellationToken);
        await RunAsync(run, await snapshots.PlanSnapshotAsync([Of("two")], cancellationToken), $"{Of("two")}");
        Plan plan = await snapshots.PlanRollbackAsync(Of("one"), cancellationToken);
        Sentences.Require(plan.Steps.Any(step => step.Expected.Destroyed?.Contains($"{Of("two")}", StringComparison.Ordinal) == true), $"it says {plan.Steps[0].Expected}");
        await RunAsync(run, plan);
        Sentences.Require(await snapshots.ListSnapshotsAsync(s_volume, cancellationToken).CountAsync(cancellationToken) == 1, "the newer snapshot is there");
        await using IBlockSource blocks = await pool.OpenBlocksAsync(s_volume, BlockAccess.Read, cancellationToken);
        await RequireAsync(blocks, 1, cancellationToken);
    }

    private static async Task RollbackOfClonedAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        ISnapshotPool snapshots = await StartAsync(pool, run, cancellationToken);
        await RunAsync(run, await snapshots.PlanSnapshotAsync([Of("two")], cancellationToken), $"{Of("two")}");
        Plan early = await snapshots.PlanRollbackAsync(Of("one"), cancellationToken);
        await RunAsync(run, await snapshots.PlanCloneAsync(Of("two"), s_clone, cancellationToken), $"{s_clone}");
        await Sentences.RefusedAsync(StorageErrorKind.Busy, async () => await snapshots.PlanRollbackAsync(Of("one"), cancellationToken));
        await Sentences.RefusedAsync(StorageErrorKind.Busy, () => RunAsync(run, early));
        Sentences.Require(await snapshots.ListSnapshotsAsync(s_volume, cancellationToken).CountAsync(cancellationToken) == 2, "a snapshot is lost");
    }

    private static async Task RollbackOfUntoldAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        ISnapshotPool snapshots = await StartAsync(pool, run, cancellationToken);
        Plan early = await snapshots.PlanRollbackAsync(Of("one"), cancellationToken);
        await RunAsync(run, await snapshots.PlanSnapshotAsync([Of("two")], cancellationToken), $"{Of("two")}");
        await Sentences.RefusedAsync(StorageErrorKind.Conflict, () => RunAsync(run, early));
        Sentences.Require(await snapshots.ListSnapshotsAsync(s_volume, cancellationToken).CountAsync(cancellationToken) == 2, "a snapshot is lost");
    }

    private static SnapshotName Of(string label) => new(s_volume, label);

    private static async Task<ISnapshotPool> StartAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        VolumeSpec spec = new() { Name = s_volume, Form = VolumeForm.Block, Size = ByteSize.MiB(8), Traits = VolumeTraits.Thin };
        await RunAsync(run, await pool.PlanCreateAsync(spec, cancellationToken), $"{s_volume}");
        await WriteAsync(pool, 1, cancellationToken);
        ISnapshotPool snapshots = (ISnapshotPool)pool;
        await RunAsync(run, await snapshots.PlanSnapshotAsync([Of("one")], cancellationToken), $"{Of("one")}");
        return snapshots;
    }

    private static Task<IReadOnlyList<StorageStep>> RunAsync(RunPlan run, Plan plan, params string[] made)
        => run(plan, new() { Id = Guid.NewGuid(), Ids = made.ToDictionary(name => name, _ => Guid.NewGuid()) }, default);

    private static async Task WriteAsync(IStoragePool pool, byte value, CancellationToken cancellationToken)
    {
        await using IBlockSource blocks = await pool.OpenBlocksAsync(s_volume, BlockAccess.ReadWrite, cancellationToken);
        await blocks.WriteAsync(0, Enumerable.Repeat(value, 4096).ToArray(), WriteDurability.Stable, cancellationToken);
    }

    private static async Task RequireAsync(IBlockSource blocks, byte value, CancellationToken cancellationToken)
    {
        byte[] page = new byte[4096];
        await blocks.ReadAsync(0, page, cancellationToken);
        Sentences.Require(page.All(found => found == value), $"it holds {page[0]}, not {value}");
    }
}
