namespace EveStorage.Conformance;

/// <summary>What every pool promises. Needs no test framework: a test, the command line and the lab run the same cases.</summary>
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
        new("A thin volume of 1TiB is created at once", VolumeTraits.Thin, ThinIsImmediateAsync),
    ];

    private static async Task CreatedIsFoundAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        OperationRequest request = NewRequest();
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
        RequireNone(await run(again, NewRequest(), cancellationToken), "changed again");
    }

    private static async Task OtherSizeIsConflictAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await CreateAsync(pool, run, cancellationToken);
        await RequireAsync(StorageErrorKind.Conflict, async () =>
            await run(await pool.PlanCreateAsync(s_spec with { Size = ByteSize.MiB(128) }, cancellationToken), NewRequest(), cancellationToken));
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
        await run(delete, NewRequest(), cancellationToken);
        Require(await pool.FindVolumeAsync(s_spec.Name, cancellationToken) is null, "the volume is still there");
        RequireNone(await run(await pool.PlanDeleteAsync(s_spec.Name, cancellationToken), NewRequest(), cancellationToken), "changed again");
    }

    private static async Task ThinIsImmediateAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(5));
        await run(await pool.PlanCreateAsync(s_spec with { Size = ByteSize.GiB(1024) }, limit.Token), NewRequest(), limit.Token);
    }

    private static async Task CreateAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
        => await run(await pool.PlanCreateAsync(s_spec, cancellationToken), NewRequest(), cancellationToken);

    private static async Task CreateAndFailAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        Plan plan = (await pool.PlanCreateAsync(s_spec, cancellationToken)).Then(Plan.Of(new FailingStep()));
        await RequireAsync(FailingStep.Kind, () => run(plan, NewRequest(), cancellationToken));
    }

    private static OperationRequest NewRequest()
        => new() { Id = Guid.NewGuid(), Ids = new Dictionary<string, Guid> { [$"{s_spec.Name}"] = Guid.NewGuid() } };

    private static async Task RequireAsync(StorageErrorKind kind, Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (StorageException e) when (e.Kind == kind)
        {
            return;
        }

        throw new ConformanceException($"no {kind} was reported");
    }

    private static void RequireNone(IEnumerable<StorageStep> steps, string otherwise)
        => Require(!steps.Any(), $"{string.Join(", ", steps.Select(s => s.Title))}: {otherwise}");

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new ConformanceException(otherwise);
        }
    }
}
