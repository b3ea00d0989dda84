using static EveStorage.Conformance.Promise;

namespace EveStorage.Conformance;

/// <summary>
/// What every pool promises. Needs no test framework: a test, the command line and the lab run the same cases. Each case
/// gets an empty pool, and leaves volumes in it.
/// </summary>
public static class PoolConformance
{
    private static readonly VolumeSpec s_spec = new() { Name = new("conformance"), Form = VolumeForm.Block, Size = ByteSize.MiB(64) };

    /// <summary>The cases, in the order a person would check them.</summary>
    public static IReadOnlyList<ConformanceCase> Cases { get; } =
    [
        new("A volume that was created is found, with its id, its path and at least its size", VolumeTraits.None, CreatedIsFoundAsync),
        new("Creating the same volume again changes nothing", VolumeTraits.None, CreatingAgainChangesNothingAsync),
        new("A volume of another size is a conflict", VolumeTraits.None, OtherSizeIsConflictAsync),
        new("A trait that is not claimed is refused", VolumeTraits.None, UnclaimedTraitIsRefusedAsync),
        new("A trait that claims an ability has its interface", VolumeTraits.None, AbilitiesAreThereAsync),
        new("A create that is reverted leaves nothing", VolumeTraits.None, RevertLeavesNothingAsync),
        new("A create that is reverted leaves what another operation made", VolumeTraits.None, RevertLeavesTheOtherAsync),
        new("A volume that was deleted is gone, and deleting it again changes nothing", VolumeTraits.None, DeletedIsGoneAsync),
        new("A thin volume of 1TiB takes next to nothing of the pool", VolumeTraits.Thin, ThinTakesNothingAsync),
        .. NamePromises.Cases,
        .. BlockPromises.Cases,
        .. ClaimPromises.Cases,
        .. SnapshotPromises.Cases,
        .. GrowPromises.Cases,
        .. FileSystemPromises.Cases,
        .. CarePromises.Cases,
        .. ReceivePromises.Cases,
        .. RecoveryPromises.Cases,
    ];

    /// <summary>Whether <paramref name="operation"/> is one of these cases': the mark of what they made has its id, so that it can be told from all else.</summary>
    public static bool IsOfCase(Guid operation) => operation.ToByteArray().AsSpan().StartsWith(CaseId);

    /// <summary>The promise about what is not ours, which only its maker can make.</summary>
    /// <param name="makeForeign">Puts an object in the place of that volume, with the right size and without our mark.</param>
    /// <param name="isThereAsync">Whether it is there, byte for byte.</param>
    public static ConformanceCase ForeignIsLeftAlone(Func<IStoragePool, VolumeName, Task> makeForeign, Func<IStoragePool, VolumeName, Task<bool>> isThereAsync)
        => new("What is not ours is not found, not deleted and not taken for what was asked for", VolumeTraits.None, async (pool, run, cancellationToken) =>
        {
            await makeForeign(pool, s_spec.Name);
            Require(await pool.FindVolumeAsync(s_spec.Name, cancellationToken) is null, "it is found");
            await RequireAsync(StorageErrorKind.Conflict, async () =>
                await run(await pool.PlanDeleteAsync(s_spec.Name, cancellationToken), NewRequest(), cancellationToken));
            await RequireAsync(StorageErrorKind.Conflict, async () =>
                await run(await pool.PlanCreateAsync(s_spec, cancellationToken), NewRequest(s_spec.Name), cancellationToken));
            Require(await isThereAsync(pool, s_spec.Name), "it is gone");
        });

    private static async Task CreatedIsFoundAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        OperationRequest request = NewRequest(s_spec.Name);
        await run(await pool.PlanCreateAsync(s_spec, cancellationToken), request, cancellationToken);
        VolumeInfo? found = await pool.FindVolumeAsync(s_spec.Name, cancellationToken);
        Require(found is not null, "the volume is not found");
        Require(found!.Id == request.Ids[$"{s_spec.Name}"], $"the id is {found.Id}, not the one that the request drew");
        Require(found.Path == pool.PathOf(s_spec.Name), $"the path is {found.Path}, not {pool.PathOf(s_spec.Name)} as planned");
        Require(found.Size >= s_spec.Size, $"the size is {found.Size}, less than {s_spec.Size}");
    }

    private static async Task CreatingAgainChangesNothingAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await CreateAsync(pool, run, cancellationToken);
        Plan again = await pool.PlanCreateAsync(s_spec, cancellationToken);
        RequireNone(again.Steps.Where(s => s.Expected != StepEffect.AlreadySo), "is expected to change again");
        RequireNone(await run(again, NewRequest(s_spec.Name), cancellationToken), "changed again");
    }

    private static async Task OtherSizeIsConflictAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await CreateAsync(pool, run, cancellationToken);
        await RequireAsync(StorageErrorKind.Conflict, async () =>
            await run(await pool.PlanCreateAsync(s_spec with { Size = ByteSize.MiB(128) }, cancellationToken), NewRequest(s_spec.Name), cancellationToken));
    }

    private static async Task UnclaimedTraitIsRefusedAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        foreach (VolumeTraits trait in Enum.GetValues<VolumeTraits>().Where(t => !pool.Capabilities.Traits.HasFlag(t)))
        {
            await RequireAsync(StorageErrorKind.NotSupported, async () => await pool.PlanCreateAsync(s_spec with { Traits = trait }, cancellationToken));
        }
    }

    private static Task AbilitiesAreThereAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        VolumeTraits claimed = pool.Capabilities.Traits;
        Require(claimed.HasFlag(VolumeTraits.Snapshots) == pool is ISnapshotPool, "Snapshots and ISnapshotPool disagree");
        Require(claimed.HasFlag(VolumeTraits.Resizable) == pool is IResizablePool, "Resizable and IResizablePool disagree");
        return Task.CompletedTask;
    }

    private static async Task RevertLeavesNothingAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await CreateAndFailAsync(pool, run, cancellationToken);
        Require(await pool.FindVolumeAsync(s_spec.Name, cancellationToken) is null, "the volume is still there");
    }

    private static async Task RevertLeavesTheOtherAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await CreateAsync(pool, run, cancellationToken);
        await CreateAndFailAsync(pool, run, cancellationToken);
        Require(await pool.FindVolumeAsync(s_spec.Name, cancellationToken) is not null, "the volume is gone");
    }

    private static async Task DeletedIsGoneAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await CreateAsync(pool, run, cancellationToken);
        Plan delete = await pool.PlanDeleteAsync(s_spec.Name, cancellationToken);
        Require(delete.Steps.Any(s => s.Expected.Destroyed is not null), "no step says that it destroys");
        await run(delete, NewRequest(s_spec.Name), cancellationToken);
        Require(await pool.FindVolumeAsync(s_spec.Name, cancellationToken) is null, "the volume is still there");
        RequireNone(await run(await pool.PlanDeleteAsync(s_spec.Name, cancellationToken), NewRequest(s_spec.Name), cancellationToken), "changed again");
    }

    private static async Task ThinTakesNothingAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        VolumeSpec thin = s_spec with { Size = ByteSize.GiB(1024), Traits = VolumeTraits.Thin };
        await run(await pool.PlanCreateAsync(thin, cancellationToken), NewRequest(thin.Name), cancellationToken);
        VolumeInfo made = await FoundAsync(pool, thin.Name, cancellationToken);
        Require(made.Size >= thin.Size, $"the size is {made.Size}");
        Require(made.Allocated <= ByteSize.MiB(64), $"it takes {made.Allocated}");
    }

    private static async Task CreateAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
        => await run(await pool.PlanCreateAsync(s_spec, cancellationToken), NewRequest(s_spec.Name), cancellationToken);

    private static async Task CreateAndFailAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        Plan plan = (await pool.PlanCreateAsync(s_spec, cancellationToken)).Then(Plan.Of(new FailingStep()));
        await RequireAsync(FailingStep.Kind, () => run(plan, NewRequest(s_spec.Name), cancellationToken));
    }
}
