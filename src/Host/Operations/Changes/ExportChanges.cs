using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.FileSystems;
using EveStorage.Host.Lazy;
using EveStorage.Host.Operations.Steps;

namespace EveStorage.Host.Operations.Changes;

/// <summary>Exports a volume: on record first, so that a start after a crash exports it, too.</summary>
internal sealed class PlanAddExport(LazyVolumes lazy) : ChangePlanner<AddExport>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(AddExport request, PlanningContext context, CancellationToken cancellationToken)
    {
        (string name, IVolumeTransport transport) = context.Parts.TransportOf(request.Transport);
        IReadOnlyList<string> missing = await transport.ProbeAsync(cancellationToken);
        if (missing.Count > 0)
        {
            throw new StorageException(StorageErrorKind.Unavailable, name, string.Join("; ", missing));
        }

        if (transport.Capabilities.EndsWithHost && !context.Serves && !context.Recovering)
        {
            throw new StorageException(StorageErrorKind.Unavailable, name, "serves as long as the daemon runs, and none does: start `evestorage serve`");
        }

        if (transport.Capabilities.IsLocal && request.AllowedHosts.Count > 0)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, name, "serves only this machine, which needs no name as a host: leave --host out");
        }

        if (!transport.Capabilities.IsLocal && request.AllowedHosts.Count == 0)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, name, "serves the hosts that are named and nobody else: give --host NQN");
        }

        if (request.Limits is { Iops: <= 0 } or { Bandwidth.Bytes: <= 0 })
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, request.Subject, "a limit is 1 or more: leave it out where there is to be none");
        }

        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        VolumeRecord record = await RequireRecordAsync(pool, request.Volume, cancellationToken);
        if (ImageLayer.IsIn(record) && !transport.Capabilities.Serves.HasFlag(AccessKinds.Blocks))
        {
            throw new StorageException(StorageErrorKind.NotSupported, request.Subject, $"is not copied from its image yet, and {name} serves devices alone: export it by nvmet-user, or wait for the copy (`evestorage volume show {request.Subject}`)");
        }

        Nqn subsystem = ExportNames.OurSubsystem(request.Subsystem ?? ExportNames.SubsystemOf(record.Id));
        ExportRecord export = new()
        {
            Transport = name,
            Subsystem = $"{subsystem}",
            NamespaceId = request.NamespaceId ?? await ExportNames.FreeNumberAsync(context, transport, subsystem, record.Id, cancellationToken),
            AllowedHosts = request.AllowedHosts,
            ControllerKeys = request.ControllerKeys,
            ReadOnly = request.ReadOnly,
            Limits = request.Limits,
        };
        ExportSpec spec = ExportNames.SpecOf(pool, request.Volume, record.Id, export);
        LayerStack stack = context.Parts.StackOf(pool, request.Volume, record.Id, record);
        MountPlans.RequireDisk(stack, request.Subject);
        Plan serve = context.Serves || !transport.Capabilities.EndsWithHost
            ? (await stack.PlanOpenAsync(cancellationToken)).Then(await transport.PlanExportAsync(spec, lazy.AccessTo(pool, request.Volume, record, stack), cancellationToken))
            : Plan.Of();
        context.Result("transport", name);
        context.Result("subsystem", $"{subsystem}");
        context.Result("nsid", $"{export.NamespaceId}");
        return Plan.Of(new RecordExport(pool, request.Volume, name, export, record)).Then(serve);
    }
}

/// <summary>Ends an export.</summary>
internal sealed class PlanRemoveExport : ChangePlanner<RemoveExport>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(RemoveExport request, PlanningContext context, CancellationToken cancellationToken)
    {
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        VolumeRecord record = await RequireRecordAsync(pool, request.Volume, cancellationToken);
        IReadOnlyList<ExportRecord> exports = record.InFlight == context.Operation.Id ? record.ExportsBefore : record.Exports;
        string[] names = [.. exports.Select(export => export.Transport).Where(name => request.Transport is null || name == request.Transport)];
        if (names.Length == 0 && !context.Recovering)
        {
            throw new StorageException(StorageErrorKind.NotFound, request.Subject, "has no such export: see `evestorage export list`");
        }

        Plan plan = Plan.Of();
        foreach (string name in names)
        {
            // A transport that the profile no longer has serves nothing; what is left of it is the record.
            if (context.Parts.TransportNames.Contains(name))
            {
                plan = plan.Then(await context.Parts.TransportOf(name).Transport.PlanUnexportAsync(record.Id, cancellationToken));
            }

            plan = plan.Then(Plan.Of(new RecordExport(pool, request.Volume, name, wanted: null, record)));
        }

        return plan;
    }
}
