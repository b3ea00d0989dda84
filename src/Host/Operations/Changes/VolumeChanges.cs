using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.FileSystems;
using EveStorage.Host.Lazy;

namespace EveStorage.Host.Operations.Changes;

/// <summary>Makes a volume: of the pool what the pool has, and the rest of the profile's layers.</summary>
internal sealed class PlanCreateVolume : ChangePlanner<CreateVolume>
{
    /// <summary>A volume of its own extents is zeroed.</summary>
    public override bool CopiesData => true;

    /// <inheritdoc/>
    protected override IEnumerable<string> Makes(CreateVolume request, Guid operation) => [$"{request.Volume}"];

    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(CreateVolume request, PlanningContext context, CancellationToken cancellationToken)
    {
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        await RequireFreeAsync(pool, request.Volume, context, cancellationToken);
        if (request.Size.Bytes <= 0)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, request.Subject, "has to have a size");
        }

        if (request.Form != VolumeForm.Block)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, request.Subject, "is to be a file system: ask for create-file-system, or `evestorage fs create`");
        }

        VolumeSpec spec = new()
        {
            Name = request.Volume,
            Form = request.Form,
            Size = request.Size,
            Quota = request.Quota,
            Reservation = request.Reservation,
            Traits = context.Parts.TraitsFor(pool, request.Traits),
        };
        (LayerStack _, Plan plan) = await StackPlanner.PlanCreateAsync(
            context.Parts, pool, spec, context.Operation.Ids[$"{request.Volume}"], cancellationToken);
        return plan;
    }
}

/// <summary>Grows a volume, and tells the hosts that have it.</summary>
internal sealed class PlanResizeVolume : ChangePlanner<ResizeVolume>
{
    /// <summary>What is new of a volume of its own extents is zeroed.</summary>
    public override bool CopiesData => true;

    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(ResizeVolume request, PlanningContext context, CancellationToken cancellationToken)
    {
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        VolumeInfo volume = await RequireAsync(pool, request.Volume, cancellationToken);
        if (pool is not IResizablePool resizable)
        {
            throw new StorageException(StorageErrorKind.NotSupported, request.Subject, "its pool can't grow a volume: import it into a larger one");
        }

        VolumeRecord record = await RequireRecordAsync(pool, request.Volume, cancellationToken);
        LayerStack stack = context.Parts.StackOf(pool, request.Volume, volume.Id, record);
        MountPlans.RequireWritable(stack, request.Subject);
        Plan plan = (await resizable.PlanGrowAsync(request.Volume, new(request.Size.Bytes + stack.Overhead.Bytes), cancellationToken))
            .Then(await stack.PlanOpenAsync(cancellationToken))
            .Then(await stack.PlanGrowAsync(cancellationToken));
        foreach (ExportRecord export in record.Exports.Where(export => context.Parts.TransportNames.Contains(export.Transport)))
        {
            IVolumeTransport transport = context.Parts.TransportOf(export.Transport).Transport;
            if (context.Serves || !transport.Capabilities.EndsWithHost)
            {
                plan = plan.Then(await transport.PlanResizeAsync(volume.Id, cancellationToken));
            }
        }

        return plan;
    }
}

/// <summary>Removes a volume that nobody is served.</summary>
internal sealed class PlanDeleteVolume(LazyVolumes lazy) : ChangePlanner<DeleteVolume>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(DeleteVolume request, PlanningContext context, CancellationToken cancellationToken)
    {
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        if (!context.Recovering)
        {
            VolumeRecord required = await RequireRecordAsync(pool, request.Volume, cancellationToken);
            if (required.Exports.Count > 0)
            {
                throw new StorageException(
                    StorageErrorKind.Busy, request.Subject, $"is exported by {string.Join(", ", required.Exports.Select(export => export.Transport))}: `evestorage export remove {request.Subject}`");
            }
        }

        VolumeRecord? record = await pool.Records.FindAsync(request.Volume, cancellationToken);
        LayerStack? stack = record is null ? null : context.Parts.StackOf(pool, request.Volume, record.Id, record);
        Plan plan = stack is null ? Plan.Of() : (await PlanLetGoAsync(pool, request.Volume, record!, context, cancellationToken)).Then(await stack.PlanEraseAsync(cancellationToken));
        plan = plan.Then(await PlanBareAsync(pool, request, cancellationToken));
        return stack is null ? plan : plan.Then(await KeyUse.PlanForgetAsync(await OnlyItsAsync(pool, request.Volume, stack, cancellationToken), context, cancellationToken));
    }

    // The map first: its name follows from the volume's record.
    private async Task<Plan> PlanLetGoAsync(IStoragePool pool, VolumeName volume, VolumeRecord record, PlanningContext context, CancellationToken cancellationToken)
        => ImageLayer.IsIn(record)
            ? Plan.Of(new LetGoOfVolume(lazy, pool, volume, record.Id)).Then(await MapVolume.PlanDeleteAsync(pool, record, context, cancellationToken))
            : Plan.Of();

    private static async Task<Plan> PlanBareAsync(IStoragePool pool, DeleteVolume request, CancellationToken cancellationToken)
    {
        if (!request.WithSnapshots || pool is not ISnapshotPool snapshots || await pool.FindVolumeAsync(request.Volume, cancellationToken) is null)
        {
            await RequireBareAsync(pool, request, cancellationToken);
            return await pool.PlanDeleteAsync(request.Volume, cancellationToken);
        }

        Plan plan = Plan.Of();
        await foreach (SnapshotInfo snapshot in snapshots.ListSnapshotsAsync(request.Volume, cancellationToken))
        {
            plan = plan.Then(await snapshots.PlanDeleteSnapshotAsync(snapshot.Name, cancellationToken));
        }

        // The backend refuses a volume that has snapshots when it plans; these go in the steps before.
        return plan.Then(Plan.Of(new Steps.DeleteOnceBare(pool, request.Volume)));
    }

    // A clone has the same key as what it was made of.
    private static async Task<IReadOnlyList<KeyName>> OnlyItsAsync(IStoragePool pool, VolumeName volume, LayerStack stack, CancellationToken cancellationToken)
    {
        List<KeyName> keys = [];
        foreach (KeyName key in StackPlanner.KeysOf([stack]))
        {
            if (await KeyUse.FindAsync(pool, key, except: volume, cancellationToken) is null)
            {
                keys.Add(key);
            }
        }

        return keys;
    }

    private static async Task RequireBareAsync(IStoragePool pool, DeleteVolume request, CancellationToken cancellationToken)
    {
        if (pool is ISnapshotPool snapshots && await pool.FindVolumeAsync(request.Volume, cancellationToken) is not null)
        {
            await foreach (SnapshotInfo snapshot in snapshots.ListSnapshotsAsync(request.Volume, cancellationToken))
            {
                throw new StorageException(StorageErrorKind.Busy, request.Subject, $"has snapshots, {snapshot.Name} first: delete them, or add --snapshots to delete them too");
            }
        }
    }
}
