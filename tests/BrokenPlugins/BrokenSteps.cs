namespace EveStorage.Broken;

/// <summary>Undoes a create by deleting what has the name, though another operation made it.</summary>
public sealed class UndoesTooMuchPlugin : BrokenPlugin
{
    protected override IStoragePool Break(IStoragePool pool) => new Eager(pool);

    private sealed class Eager(IStoragePool inner) : PassingPool(inner)
    {
        public override async ValueTask<Plan> PlanCreateAsync(VolumeSpec spec, CancellationToken cancellationToken)
            => Plan.Of([.. (await Inner.PlanCreateAsync(spec, cancellationToken)).Steps.Select(step => new UndoesAll(step, Inner, spec.Name))]);
    }

    private sealed class UndoesAll(StorageStep inner, IStoragePool pool, VolumeName name) : PassingStep(inner)
    {
        public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        {
            foreach (StorageStep delete in (await pool.PlanDeleteAsync(name, cancellationToken)).Steps)
            {
                await delete.ApplyAsync(context, cancellationToken);
            }
        }
    }
}

/// <summary>Answers that a volume was there already, though this very operation made it before a crash.</summary>
public sealed class ForgetsItsOwnPlugin : BrokenPlugin
{
    protected override IStoragePool Break(IStoragePool pool) => new Forgetful(pool);

    private sealed class Forgetful(IStoragePool inner) : PassingPool(inner)
    {
        public override async ValueTask<Plan> PlanCreateAsync(VolumeSpec spec, CancellationToken cancellationToken)
            => Plan.Of([.. (await Inner.PlanCreateAsync(spec, cancellationToken)).Steps.Select(step => new Forgets(step, Inner, spec.Name))]);
    }

    private sealed class Forgets(StorageStep inner, IStoragePool pool, VolumeName name) : PassingStep(inner)
    {
        public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
            => await pool.FindVolumeAsync(name, cancellationToken) is null ? await base.ApplyAsync(context, cancellationToken) : StepOutcome.AlreadySo;
    }
}

/// <summary>Deletes by name, whoever made what has it and whoever has it open.</summary>
public sealed class ForgetsTheMarkPlugin : BrokenPlugin
{
    protected override IStoragePool Break(IStoragePool pool) => new Blind(pool);

    private sealed class Blind(IStoragePool inner) : PassingPool(inner)
    {
        public override async ValueTask<Plan> PlanDeleteAsync(VolumeName name, CancellationToken cancellationToken)
        {
            string directory = Path.GetDirectoryName(PathOf(name))!;
            bool isForeign = Directory.Exists(directory) && await Inner.Records.FindAsync(name, cancellationToken) is null;
            return isForeign ? Plan.Of(new DeleteByName(directory)) : await Inner.PlanDeleteAsync(name, cancellationToken);
        }
    }
}

/// <summary>Deletes a volume although somebody has it open.</summary>
public sealed class DeletesWhatIsOpenPlugin : BrokenPlugin
{
    protected override IStoragePool Break(IStoragePool pool) => new Careless(pool);

    private sealed class Careless(IStoragePool inner) : PassingPool(inner)
    {
        public override async ValueTask<Plan> PlanDeleteAsync(VolumeName name, CancellationToken cancellationToken)
            => Plan.Of([.. (await Inner.PlanDeleteAsync(name, cancellationToken)).Steps.Select(step => new Anyway(step, Path.GetDirectoryName(PathOf(name))!))]);
    }

    private sealed class Anyway(StorageStep inner, string directory) : PassingStep(inner)
    {
        public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        {
            try
            {
                return await base.ApplyAsync(context, cancellationToken);
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.Busy && !e.Message.Contains("snapshot", StringComparison.Ordinal))
            {
                Directory.Delete(directory, recursive: true);
                return StepOutcome.Changed;
            }
        }
    }
}

/// <summary>Never returns from a change, whoever cancels it.</summary>
public sealed class HangsPlugin : BrokenPlugin
{
    protected override IStoragePool Break(IStoragePool pool) => new Stuck(pool);

    private sealed class Stuck(IStoragePool inner) : PassingPool(inner)
    {
        public override async ValueTask<Plan> PlanGrowAsync(VolumeName name, ByteSize size, CancellationToken cancellationToken)
            => Plan.Of([.. (await base.PlanGrowAsync(name, size, cancellationToken)).Steps.Select(step => new Sleeps(step))]);
    }

    private sealed class Sleeps(StorageStep inner) : PassingStep(inner)
    {
        public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        {
            using ManualResetEventSlim never = new();
            never.Wait(CancellationToken.None);
            return base.ApplyAsync(context, cancellationToken);
        }
    }
}

/// <summary>Never returns from planning a removal.</summary>
public sealed class HangsInPlanPlugin : BrokenPlugin
{
    protected override IStoragePool Break(IStoragePool pool) => new Stuck(pool);

    private sealed class Stuck(IStoragePool inner) : PassingPool(inner)
    {
        public override ValueTask<Plan> PlanDeleteAsync(VolumeName name, CancellationToken cancellationToken)
        {
            using ManualResetEventSlim never = new();
            never.Wait(CancellationToken.None);
            return base.PlanDeleteAsync(name, cancellationToken);
        }
    }
}

/// <summary>Throws from a change what only it knows.</summary>
public sealed class ThrowsInStepPlugin : BrokenPlugin
{
    protected override IStoragePool Break(IStoragePool pool) => new Rude(pool);

    private sealed class Rude(IStoragePool inner) : PassingPool(inner)
    {
        public override async ValueTask<Plan> PlanGrowAsync(VolumeName name, ByteSize size, CancellationToken cancellationToken)
            => Plan.Of([.. (await base.PlanGrowAsync(name, size, cancellationToken)).Steps.Select(step => new Throws(step))]);
    }

    private sealed class Throws(StorageStep inner) : PassingStep(inner)
    {
        public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        {
            await base.ApplyAsync(context, cancellationToken);
            throw new KeyNotFoundException("nonsense");
        }
    }
}

/// <summary>Empties the place that it is given, whosever it is.</summary>
public sealed class TakesAnyPlacePlugin : BrokenPlugin
{
    protected override void BreakPlaceOf(PoolSpec spec)
    {
        string place = spec.Devices[0];
        if (Directory.Exists(place) && !File.Exists(Path.Combine(place, "pool.json")))
        {
            Directory.Delete(place, recursive: true);
        }
    }
}

internal sealed class DeleteByName(string directory) : StorageStep
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
