using static EveStorage.Conformance.Promise;

namespace EveStorage.Conformance;

/// <summary>What holds for every step after a crash: it is run again, or undone by its marks alone, or never ran.</summary>
internal static class RecoveryPromises
{
    private static readonly SnapshotName s_snapshot = new(Volume, "kept");
    private static readonly SnapshotName s_new = new(Volume, "new");

    internal static IReadOnlyList<ConformanceCase> Cases { get; } =
    [
        new("A step that its own operation runs again answers that it changed something", VolumeTraits.None, AgainIsChangedAsync),
        new("What is done can be planned again as after a crash, and undone so it leaves nothing", VolumeTraits.None, UndoneAfterCrashAsync),
        new("Undoing what never ran changes nothing", VolumeTraits.None, UndoingNothingAsync),
        new("Undoing for another operation leaves what is there", VolumeTraits.None, UndoingForAnotherAsync),
        new("Undoing a delete that did not happen leaves the volume, and one that did asks for a person", VolumeTraits.None, UndoingDeleteAsync),
    ];

    /// <summary>The reversible changes that the pool has, each with what it makes.</summary>
    private static List<(string Title, Func<Task<Plan>> PlanAsync, OperationRequest Request)> Changes(IStoragePool pool, CancellationToken cancellationToken)
    {
        VolumeName made = new("made");
        VolumeName clone = new("clone");
        List<(string, Func<Task<Plan>>, OperationRequest)> changes =
        [
            ("create", async () => await pool.PlanCreateAsync(Spec(made), cancellationToken), NewRequest(made)),
            ("rename", async () => await pool.PlanRenameAsync(Volume, Other, cancellationToken), NewRequest()),
        ];
        if (pool is ISnapshotPool snapshots)
        {
            changes.Add(("snapshot", async () => await snapshots.PlanSnapshotAsync([s_new], cancellationToken), NewRequest(s_new)));
            changes.Add(("clone", async () => await snapshots.PlanCloneAsync(s_snapshot, clone, cancellationToken), NewRequest(clone)));
        }

        if (pool is IResizablePool growable)
        {
            changes.Add(("grow", async () => await growable.PlanGrowAsync(Volume, ByteSize.MiB(16), cancellationToken), NewRequest()));
        }

        return changes;
    }

    private static async Task AgainIsChangedAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await StartAsync(pool, run, cancellationToken);
        foreach ((string title, Func<Task<Plan>> planAsync, OperationRequest request) in Changes(pool, cancellationToken))
        {
            Plan plan = await planAsync();
            await ApplyAsync(plan, request, cancellationToken);
            foreach (StorageStep step in plan.Steps)
            {
                StepOutcome again = await step.ApplyAsync(ContextOf(request), cancellationToken);
                Require(again == StepOutcome.Changed, $"{title}: '{step.Title}' answers {again}, and would never be reverted");
            }

            await RevertAsync(plan, request, cancellationToken);
        }
    }

    private static async Task UndoneAfterCrashAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await StartAsync(pool, run, cancellationToken);
        string before = await WorldAsync(pool, cancellationToken);
        foreach ((string title, Func<Task<Plan>> planAsync, OperationRequest request) in Changes(pool, cancellationToken))
        {
            Plan first = await planAsync();
            await ApplyAsync(first, request, cancellationToken);

            // A snapshot's name is taken once it has one, whoever took it: the host undoes those by their ids.
            Plan planned = title == "snapshot" ? first : await planAsync();
            await RevertAsync(planned, request, cancellationToken);
            Require(await WorldAsync(pool, cancellationToken) == before, $"{title}: before '{before}', after '{await WorldAsync(pool, cancellationToken)}'");
        }
    }

    private static async Task UndoingNothingAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await StartAsync(pool, run, cancellationToken);
        string before = await WorldAsync(pool, cancellationToken);
        foreach ((string title, Func<Task<Plan>> planAsync, OperationRequest request) in Changes(pool, cancellationToken))
        {
            await RevertAsync(await planAsync(), request, cancellationToken);
            Require(await WorldAsync(pool, cancellationToken) == before, $"{title}: before '{before}', after '{await WorldAsync(pool, cancellationToken)}'");
        }
    }

    private static async Task UndoingForAnotherAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await StartAsync(pool, run, cancellationToken);
        foreach ((string title, Func<Task<Plan>> planAsync, OperationRequest request) in Changes(pool, cancellationToken))
        {
            Plan plan = await planAsync();
            await ApplyAsync(plan, request, cancellationToken);
            string made = await WorldAsync(pool, cancellationToken);
            await RevertAsync(plan, request with { Id = Guid.NewGuid() }, cancellationToken);
            Require(await WorldAsync(pool, cancellationToken) == made, $"{title}: another operation undid it");
            await RevertAsync(plan, request, cancellationToken);
        }
    }

    private static async Task UndoingDeleteAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Other, cancellationToken);
        OperationRequest request = NewRequest();
        Plan plan = await pool.PlanDeleteAsync(Other, cancellationToken);
        await RevertAsync(plan, request, cancellationToken);
        await FoundAsync(pool, Other, cancellationToken);
        await ApplyAsync(plan, request, cancellationToken);
        await RequireAsync(StorageErrorKind.NeedsAttention, () => RevertAsync(plan, request, cancellationToken));
    }

    private static async Task StartAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await WriteAsync(pool, Volume, 0, 1, cancellationToken);
        if (pool is ISnapshotPool snapshots)
        {
            await run(await snapshots.PlanSnapshotAsync([s_snapshot], cancellationToken), NewRequest(s_snapshot), cancellationToken);
        }
    }

    private static async Task ApplyAsync(Plan plan, OperationRequest request, CancellationToken cancellationToken)
    {
        foreach (StorageStep step in plan.Steps)
        {
            await step.ApplyAsync(ContextOf(request), cancellationToken);
        }
    }

    private static async Task RevertAsync(Plan plan, OperationRequest request, CancellationToken cancellationToken)
    {
        foreach (StorageStep step in plan.Steps.Reverse())
        {
            await step.RevertAsync(ContextOf(request), cancellationToken);
        }
    }

    // Names, ids, sizes and snapshots: what a person would see.
    private static async Task<string> WorldAsync(IStoragePool pool, CancellationToken cancellationToken)
    {
        List<string> world = [];
        await foreach (VolumeInfo volume in pool.ListVolumesAsync(cancellationToken))
        {
            world.Add($"{volume.Name} {volume.Id} {volume.Size}");
            if (pool is ISnapshotPool snapshots)
            {
                await foreach (SnapshotInfo snapshot in snapshots.ListSnapshotsAsync(volume.Name, cancellationToken))
                {
                    world.Add($"{snapshot.Name} {snapshot.Id} {snapshot.Size}");
                }
            }
        }

        return string.Join("; ", world.Order(StringComparer.Ordinal));
    }
}
