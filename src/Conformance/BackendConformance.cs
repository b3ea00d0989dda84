using static EveStorage.Conformance.Promise;

namespace EveStorage.Conformance;

/// <summary>What every backend promises of its pools as a whole. <see cref="PoolConformance"/> has what a pool promises of its volumes.</summary>
public static class BackendConformance
{
    /// <summary>The cases, in the order a person would check them.</summary>
    public static IReadOnlyList<BackendCase> Cases { get; } =
    [
        new("A pool that was not made can't be opened, and removing it changes nothing", AbsentAsync),
        new("A pool that was made is opened with the id that the request drew, and does what the probe said", MadeIsOpenedAsync),
        new("Making the same pool again changes nothing", MakingAgainAsync),
        new("A pool whose making is reverted is not there", RevertedAsync),
        new("A pool whose making is reverted stays where another operation made it", RevertedForAnotherAsync),
        new("A pool that is closed and opened again has its volumes, with their ids and what was flushed", OpenedAgainAsync),
        new("A second opening of a pool sees what the first one did", SecondOpeningAsync),
        new("A pool that holds a volume is busy for its removal, and keeps it", HoldsVolumeAsync),
        new("A pool that was removed is gone, and can be made again", RemovedAsync),
        new("A place that has something of somebody else is a conflict, and stays as it is", ForeignAsync) { IsAboutForeign = true },
        new("Nothing readable reaches the devices", UnreadableAsync) { Needs = VolumeTraits.Encrypted },
    ];

    /// <summary>Removes the pool that a case left, with what the cases made in it.</summary>
    /// <exception cref="StorageException">It holds what no case made, or can't be removed.</exception>
    public static async Task RemoveAsync(BackendBench bench, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(bench);
        IStorageBackend backend = bench.Make();
        try
        {
            await using IStoragePool pool = await backend.OpenPoolAsync(bench.Spec.Name, cancellationToken);
            await PoolSweep.RunAsync(pool, bench.Run, cancellationToken);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
        {
            return;
        }

        await bench.Run(await backend.PlanDeletePoolAsync(bench.Spec.Name, cancellationToken), NewRequest(), cancellationToken);
    }

    /// <summary>Makes the pool.</summary>
    internal static async Task<OperationRequest> MakeAsync(BackendBench bench, CancellationToken cancellationToken)
    {
        OperationRequest request = RequestFor(bench);
        await bench.Run(await bench.Make().PlanCreatePoolAsync(bench.Spec, cancellationToken), request, cancellationToken);
        return request;
    }

    private static OperationRequest RequestFor(BackendBench bench) => NewRequest($"pool:{bench.Spec.Name}");

    private static async Task AbsentAsync(BackendBench bench, CancellationToken cancellationToken)
    {
        await RequireAbsentAsync(bench, "it is there", cancellationToken);
        RequireNone(await bench.Run(await bench.Make().PlanDeletePoolAsync(bench.Spec.Name, cancellationToken), NewRequest(), cancellationToken), "changed something");
    }

    private static async Task MadeIsOpenedAsync(BackendBench bench, CancellationToken cancellationToken)
    {
        OperationRequest request = await MakeAsync(bench, cancellationToken);
        await using IStoragePool pool = await OpenAsync(bench, cancellationToken);
        Require(pool.Id == request.Ids[$"pool:{bench.Spec.Name}"], $"its id is {pool.Id}, not the one that the request drew");
        Require(pool.Name == bench.Spec.Name, $"its name is {pool.Name}");
        BackendCapabilities? probed = (await bench.Make().ProbeAsync(cancellationToken)).Capabilities;
        Require(probed is not null, "the probe says now that it can't be used");
        Require(probed!.Traits == pool.Capabilities.Traits && probed.Forms.SetEquals(pool.Capabilities.Forms), $"the probe says {probed.Traits}, the pool {pool.Capabilities.Traits}");
    }

    private static async Task MakingAgainAsync(BackendBench bench, CancellationToken cancellationToken)
    {
        await MakeAsync(bench, cancellationToken);
        Plan again = await bench.Make().PlanCreatePoolAsync(bench.Spec, cancellationToken);
        RequireNone(again.Steps.Where(s => s.Expected != StepEffect.AlreadySo), "is expected to change again");
        RequireNone(await bench.Run(again, RequestFor(bench), cancellationToken), "changed again");
    }

    private static async Task RevertedAsync(BackendBench bench, CancellationToken cancellationToken)
    {
        Plan plan = (await bench.Make().PlanCreatePoolAsync(bench.Spec, cancellationToken)).Then(Plan.Of(new FailingStep()));
        try
        {
            await bench.Run(plan, RequestFor(bench), cancellationToken);
        }
        catch (StorageException e) when (e.Kind == FailingStep.Kind || plan.Steps.Any(step => step.Expected.Destroyed is not null))
        {
            // A plan that has destroyed something only goes forward, and says so.
        }

        if (plan.Steps.All(step => step.Expected.Destroyed is null))
        {
            await RequireAbsentAsync(bench, "it is still there", cancellationToken);
        }
    }

    private static async Task RevertedForAnotherAsync(BackendBench bench, CancellationToken cancellationToken)
    {
        await MakeAsync(bench, cancellationToken);
        OperationRequest another = RequestFor(bench);
        foreach (StorageStep step in (await bench.Make().PlanCreatePoolAsync(bench.Spec, cancellationToken)).Steps.Reverse())
        {
            await step.RevertAsync(ContextOf(another), cancellationToken);
        }

        await (await OpenAsync(bench, cancellationToken)).DisposeAsync();
    }

    private static async Task OpenedAgainAsync(BackendBench bench, CancellationToken cancellationToken)
    {
        await MakeAsync(bench, cancellationToken);
        Guid id;
        await using (IStoragePool pool = await OpenAsync(bench, cancellationToken))
        {
            id = (await Promise.MakeAsync(pool, bench.Run, Volume, cancellationToken)).Ids[$"{Volume}"];
            await WriteAsync(pool, Volume, 4096, 6, cancellationToken);
        }

        await bench.Run(await bench.Make().PlanClosePoolAsync(bench.Spec.Name, cancellationToken), NewRequest(), cancellationToken);
        await using IStoragePool again = await OpenAsync(bench, cancellationToken);
        Require((await FoundAsync(again, Volume, cancellationToken)).Id == id, "the volume has another id");
        Require((await again.Records.FindAsync(Volume, cancellationToken))?.Id == id, "its record is another");
        await RequirePageAsync(again, Volume, 4096, 6, cancellationToken);
    }

    private static async Task SecondOpeningAsync(BackendBench bench, CancellationToken cancellationToken)
    {
        await MakeAsync(bench, cancellationToken);
        await using IStoragePool first = await OpenAsync(bench, cancellationToken);
        await using IStoragePool second = await OpenAsync(bench, cancellationToken);
        await Promise.MakeAsync(first, bench.Run, Volume, cancellationToken);
        await WriteAsync(first, Volume, 0, 2, cancellationToken);
        await RequirePageAsync(second, Volume, 0, 2, cancellationToken);
        await bench.Run(await second.PlanDeleteAsync(Volume, cancellationToken), NewRequest(), cancellationToken);
        Require(await first.FindVolumeAsync(Volume, cancellationToken) is null, "a volume that the second one deleted is still there for the first");
    }

    private static async Task HoldsVolumeAsync(BackendBench bench, CancellationToken cancellationToken)
    {
        await MakeAsync(bench, cancellationToken);
        await using (IStoragePool pool = await OpenAsync(bench, cancellationToken))
        {
            await Promise.MakeAsync(pool, bench.Run, Volume, cancellationToken);
        }

        await RequireAsync(StorageErrorKind.Busy, async () =>
            await bench.Run(await bench.Make().PlanDeletePoolAsync(bench.Spec.Name, cancellationToken), NewRequest(), cancellationToken));
        await using IStoragePool still = await OpenAsync(bench, cancellationToken);
        await FoundAsync(still, Volume, cancellationToken);
    }

    private static async Task RemovedAsync(BackendBench bench, CancellationToken cancellationToken)
    {
        OperationRequest first = await MakeAsync(bench, cancellationToken);
        Plan plan = await bench.Make().PlanDeletePoolAsync(bench.Spec.Name, cancellationToken);
        Require(plan.Steps.Any(s => s.Expected.Destroyed is not null), "no step says that it destroys");
        await bench.Run(plan, NewRequest(), cancellationToken);
        await RequireAbsentAsync(bench, "it is still there", cancellationToken);
        await MakeAsync(bench, cancellationToken);
        await using IStoragePool again = await OpenAsync(bench, cancellationToken);
        Require(again.Id != first.Ids[$"pool:{bench.Spec.Name}"], "it has the id of the one before");
    }

    private static async Task ForeignAsync(BackendBench bench, CancellationToken cancellationToken)
    {
        IForeignThing foreign = bench.Foreign!;
        await foreign.PutAsync(cancellationToken);
        try
        {
            await RequireAsync(StorageErrorKind.Conflict, () => MakeAsync(bench, cancellationToken));
            Require(await foreign.IsThereAsync(cancellationToken), "it was changed");
        }
        finally
        {
            await foreign.RemoveAsync(CancellationToken.None);
        }
    }

    private static async Task UnreadableAsync(BackendBench bench, CancellationToken cancellationToken)
    {
        byte[] secret = new byte[4096];
        new Random(7).NextBytes(secret);
        await MakeAsync(bench, cancellationToken);
        await using (IStoragePool pool = await OpenAsync(bench, cancellationToken))
        {
            await bench.Run(await pool.PlanCreateAsync(Spec(Volume) with { Traits = VolumeTraits.Encrypted }, cancellationToken), NewRequest(Volume), cancellationToken);
            await using IBlockSource blocks = await pool.OpenBlocksAsync(Volume, BlockAccess.ReadWrite, cancellationToken);
            await blocks.WriteAsync(0, secret, WriteDurability.Stable, cancellationToken);
        }

        await bench.Run(await bench.Make().PlanClosePoolAsync(bench.Spec.Name, cancellationToken), NewRequest(), cancellationToken);
        foreach (string device in bench.Spec.Devices.Where(File.Exists))
        {
            Require(!await PlainText.IsInAsync(device, secret.AsMemory(0, 64), cancellationToken), $"{device} has what was written, as it was written");
        }
    }

    private static Task RequireAbsentAsync(BackendBench bench, string otherwise, CancellationToken cancellationToken)
        => RequireAsync(StorageErrorKind.NotFound, async () =>
        {
            await (await OpenAsync(bench, cancellationToken)).DisposeAsync();
            throw new ConformanceException(otherwise);
        });

    private static async Task<IStoragePool> OpenAsync(BackendBench bench, CancellationToken cancellationToken)
        => await bench.Make().OpenPoolAsync(bench.Spec.Name, cancellationToken);
}
