using static EveStorage.Conformance.Promise;

namespace EveStorage.Conformance;

/// <summary>Snapshots, clones and rollback.</summary>
internal static class SnapshotPromises
{
    private static readonly SnapshotName s_snapshot = new(Volume, "before");
    private static readonly SnapshotName s_second = new(Volume, "later");

    internal static IReadOnlyList<ConformanceCase> Cases { get; } =
    [
        new("Snapshots are listed oldest first, with their ids and sizes", VolumeTraits.Snapshots, ListedAsync),
        new("A clone starts as its snapshot, has an id of its own, and what is written to one is not in the other", VolumeTraits.Snapshots, CloneAsync),
        new("A rollback brings back what the snapshot froze, and keeps the id and the snapshot", VolumeTraits.Snapshots, RollbackAsync),
        new("A rollback of a volume that is open is refused as busy", VolumeTraits.Snapshots, RollbackOfOpenAsync),
        new("A snapshot of a name that is taken is a conflict", VolumeTraits.Snapshots, TakenAsync),
        new("Snapshots of several volumes are all taken or none", VolumeTraits.Snapshots, AllOrNoneAsync),
        new("A volume with a snapshot is busy for a delete, and goes after it", VolumeTraits.Snapshots, DeleteOrderAsync),
        new("A clone outlives its snapshot", VolumeTraits.Snapshots, CloneOutlivesAsync),
        new("What is written to a clone reaches neither its snapshot nor another clone of it", VolumeTraits.Snapshots, ClonesAreApartAsync),
        new("A snapshot that is said to share takes next to nothing", VolumeTraits.Snapshots, SharesAsync) { Claims = static c => !c.SnapshotsCopy },
    ];

    private static async Task ListedAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        OperationRequest first = await TakeAsync(pool, run, cancellationToken, s_snapshot);
        await Task.Delay(10, cancellationToken);
        await TakeAsync(pool, run, cancellationToken, s_second);
        List<SnapshotInfo> listed = await ListAsync(pool, cancellationToken);
        Require(listed.Select(s => s.Name).SequenceEqual([s_snapshot, s_second]), $"the list is {string.Join(", ", listed.Select(s => s.Name))}");
        Require(listed[0].Id == first.Ids[$"{s_snapshot}"], "it has another id than the request drew");
        Require(listed[0].Size == Size, $"its size is {listed[0].Size}");
    }

    private static async Task CloneAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await WriteAsync(pool, Volume, 4096, 1, cancellationToken);
        await TakeAsync(pool, run, cancellationToken, s_snapshot);
        await WriteAsync(pool, Volume, 4096, 2, cancellationToken);
        OperationRequest request = NewRequest(Other);
        await run(await Snapshots(pool).PlanCloneAsync(s_snapshot, Other, cancellationToken), request, cancellationToken);
        Require((await FoundAsync(pool, Other, cancellationToken)).Id == request.Ids[$"{Other}"], "its id is not the one the request drew");
        await RequirePageAsync(pool, Other, 4096, 1, cancellationToken);
        await WriteAsync(pool, Other, 4096, 3, cancellationToken);
        await RequirePageAsync(pool, Volume, 4096, 2, cancellationToken);
    }

    private static async Task RollbackAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        OperationRequest made = await MakeAsync(pool, run, Volume, cancellationToken);
        await WriteAsync(pool, Volume, 0, 1, cancellationToken);
        await TakeAsync(pool, run, cancellationToken, s_snapshot);
        await WriteAsync(pool, Volume, 0, 2, cancellationToken);
        await WriteAsync(pool, Volume, 1 << 20, 2, cancellationToken);
        for (int again = 0; again < 2; again++)
        {
            Plan plan = await Snapshots(pool).PlanRollbackAsync(s_snapshot, cancellationToken);
            Require(plan.Steps.Any(s => s.Expected.Destroyed is not null), "no step says that it destroys");
            await run(plan, NewRequest(), cancellationToken);
            await RequirePageAsync(pool, Volume, 0, 1, cancellationToken);
            await RequirePageAsync(pool, Volume, 1 << 20, 0, cancellationToken);
            await WriteAsync(pool, Volume, 0, 4, cancellationToken);
        }

        Require((await FoundAsync(pool, Volume, cancellationToken)).Id == made.Ids[$"{Volume}"], "it has another id");
        Require((await ListAsync(pool, cancellationToken)).Count == 1, "the snapshot is gone");
    }

    private static async Task RollbackOfOpenAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await TakeAsync(pool, run, cancellationToken, s_snapshot);
        await using IBlockSource blocks = await pool.OpenBlocksAsync(Volume, BlockAccess.ReadWrite, cancellationToken);
        await blocks.WriteAsync(0, Page(9), WriteDurability.Cached, cancellationToken);
        await RequireAsync(StorageErrorKind.Busy, async () =>
            await run(await Snapshots(pool).PlanRollbackAsync(s_snapshot, cancellationToken), NewRequest(), cancellationToken));
        await RequirePageAsync(blocks, 0, 9, cancellationToken);
    }

    private static async Task TakenAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await TakeAsync(pool, run, cancellationToken, s_snapshot);
        await RequireAsync(StorageErrorKind.Conflict, () => TakeAsync(pool, run, cancellationToken, s_snapshot));
        Require((await ListAsync(pool, cancellationToken)).Count == 1, "the snapshot is gone");
    }

    private static async Task AllOrNoneAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await MakeAsync(pool, run, Other, cancellationToken);
        SnapshotName ofOther = new(Other, "before");
        try
        {
            Plan plan = (await Snapshots(pool).PlanSnapshotAsync([s_snapshot, ofOther], cancellationToken)).Then(Plan.Of(new FailingStep()));
            await RequireAsync(FailingStep.Kind, () => run(plan, NewRequest(s_snapshot, ofOther), cancellationToken));
            Require((await ListAsync(pool, cancellationToken)).Count == 0, "one of a reverted operation is there");
            await TakeAsync(pool, run, cancellationToken, s_snapshot, ofOther);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotSupported)
        {
            return;   // a pool may say that it can't
        }

        Require((await ListAsync(pool, cancellationToken)).Count == 1, "the first is missing");
    }

    private static async Task DeleteOrderAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await TakeAsync(pool, run, cancellationToken, s_snapshot);
        await RequireAsync(StorageErrorKind.Busy, async () => await run(await pool.PlanDeleteAsync(Volume, cancellationToken), NewRequest(), cancellationToken));
        await run(await Snapshots(pool).PlanDeleteSnapshotAsync(s_snapshot, cancellationToken), NewRequest(), cancellationToken);
        RequireNone(
            await run(await Snapshots(pool).PlanDeleteSnapshotAsync(s_snapshot, cancellationToken), NewRequest(), cancellationToken), "changed again");
        await run(await pool.PlanDeleteAsync(Volume, cancellationToken), NewRequest(), cancellationToken);
        Require(await pool.FindVolumeAsync(Volume, cancellationToken) is null, "the volume is still there");
    }

    private static async Task CloneOutlivesAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await WriteAsync(pool, Volume, 0, 6, cancellationToken);
        await TakeAsync(pool, run, cancellationToken, s_snapshot);
        await run(await Snapshots(pool).PlanCloneAsync(s_snapshot, Other, cancellationToken), NewRequest(Other), cancellationToken);
        try
        {
            await run(await Snapshots(pool).PlanDeleteSnapshotAsync(s_snapshot, cancellationToken), NewRequest(), cancellationToken);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Busy)
        {
            // As ZFS has it: then it is still there, and so is the clone.
        }

        await RequirePageAsync(pool, Other, 0, 6, cancellationToken);
    }

    private static async Task ClonesAreApartAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        VolumeName second = new("second");
        await MakeAsync(pool, run, Volume, cancellationToken);
        await WriteAsync(pool, Volume, 0, 1, cancellationToken);
        await TakeAsync(pool, run, cancellationToken, s_snapshot);
        await run(await Snapshots(pool).PlanCloneAsync(s_snapshot, Other, cancellationToken), NewRequest(Other), cancellationToken);
        await WriteAsync(pool, Other, 0, 3, cancellationToken);
        await run(await Snapshots(pool).PlanCloneAsync(s_snapshot, second, cancellationToken), NewRequest(second), cancellationToken);
        await RequirePageAsync(pool, second, 0, 1, cancellationToken);
        await WriteAsync(pool, second, 0, 4, cancellationToken);
        await RequirePageAsync(pool, Other, 0, 3, cancellationToken);
    }

    private static async Task SharesAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        byte[] block = new byte[1 << 20];
        await using (IBlockSource blocks = await pool.OpenBlocksAsync(Volume, BlockAccess.ReadWrite, cancellationToken))
        {
            for (long offset = 0; offset < Size.Bytes; offset += block.Length)
            {
                new Random((int)(offset >> 20)).NextBytes(block);
                await blocks.WriteAsync(offset, block, WriteDurability.Cached, cancellationToken);
            }

            await blocks.FlushAsync(cancellationToken);
        }

        // The first one may bring to the pool what was written before, and a pool tells of that when it likes: the second has nothing to bring.
        await TakeAsync(pool, run, cancellationToken, s_snapshot);
        long before = (await pool.GetStatusAsync(cancellationToken)).Free.Bytes;
        await TakeAsync(pool, run, cancellationToken, s_second);
        long taken = before - (await pool.GetStatusAsync(cancellationToken)).Free.Bytes;
        Require(taken <= Size.Bytes / 2, $"a snapshot of {Size} takes {new ByteSize(taken)}");
    }

    private static ISnapshotPool Snapshots(IStoragePool pool) => (ISnapshotPool)pool;

    private static async Task<OperationRequest> TakeAsync(
        IStoragePool pool, RunPlan run, CancellationToken cancellationToken, params SnapshotName[] snapshots)
    {
        OperationRequest request = NewRequest([.. snapshots.Cast<object>()]);
        await run(await Snapshots(pool).PlanSnapshotAsync(snapshots, cancellationToken), request, cancellationToken);
        return request;
    }

    private static async Task<List<SnapshotInfo>> ListAsync(IStoragePool pool, CancellationToken cancellationToken)
    {
        List<SnapshotInfo> listed = [];
        await foreach (SnapshotInfo snapshot in Snapshots(pool).ListSnapshotsAsync(Volume, cancellationToken))
        {
            listed.Add(snapshot);
        }

        return listed;
    }
}
