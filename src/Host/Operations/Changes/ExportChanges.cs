using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.FileSystems;
using EveStorage.Host.Lazy;
using EveStorage.Host.Operations.Steps;

namespace EveStorage.Host.Operations.Changes;

/// <summary>What changes of exports have in common: what is to be is on record first, so that a start after a crash exports it so, too.</summary>
internal abstract class PlanExport<T>(LazyVolumes lazy) : ChangePlanner<T>
    where T : VolumeChange
{
    /// <summary>A volume's exports as the operation found them, which a plan after a crash is made of, too.</summary>
    protected static IReadOnlyList<ExportRecord> Before(VolumeRecord record, PlanningContext context)
        => record.InFlight == context.Operation.Id ? record.ExportsBefore : record.Exports;

    /// <summary>Refuses what lets nothing through, or everybody.</summary>
    /// <exception cref="StorageException">It does.</exception>
    protected static void RequireSound(ExportRecord export, IVolumeTransport transport, string subject)
    {
        if (transport.Capabilities.IsLocal && export.AllowedHosts.Count > 0)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, export.Transport, "serves only this machine, which needs no name as a host: leave --host out");
        }

        if (!transport.Capabilities.IsLocal && export.AllowedHosts.Count == 0)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, export.Transport, "serves the hosts that are named and nobody else: give --host NQN");
        }

        if (export.Limits is { Iops: <= 0 } or { Bandwidth.Bytes: <= 0 })
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, subject, "a limit is 1 or more: leave it out where there is to be none");
        }
    }

    /// <summary>Records an export as it is to be, and serves it so.</summary>
    protected async Task<Plan> PlanServingAsync(IStoragePool pool, VolumeName volume, VolumeRecord record, ExportRecord export, PlanningContext context, CancellationToken cancellationToken)
    {
        (string name, IVolumeTransport transport) = context.Parts.TransportOf(export.Transport);
        ExportSpec spec = ExportNames.SpecOf(pool, volume, record.Id, export);
        LayerStack stack = context.Parts.StackOf(pool, volume, record.Id, record);
        MountPlans.RequireDisk(stack, $"{pool.Name}/{volume}");
        Plan serve = context.Serves || !transport.Capabilities.EndsWithHost
            ? (await stack.PlanOpenAsync(cancellationToken)).Then(await transport.PlanExportAsync(spec, lazy.AccessTo(pool, volume, record, stack), cancellationToken))
            : Plan.Of();
        context.Result("transport", name);
        context.Result("subsystem", export.Subsystem);
        context.Result("nsid", $"{export.NamespaceId}");
        ExportRecord? before = Before(record, context).FirstOrDefault(other => other.Transport == name);
        return Plan.Of(new RecordExport(pool, volume, name, export, record) { Says = ExportWords.Change(before, export) }).Then(serve);
    }

    /// <summary>Refuses a transport that can't serve now.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Unavailable"/>: why.</exception>
    protected static async Task RequireServingAsync(string name, IVolumeTransport transport, PlanningContext context, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> missing = await transport.ProbeAsync(cancellationToken);
        if (missing.Count > 0)
        {
            throw new StorageException(StorageErrorKind.Unavailable, name, string.Join("; ", missing));
        }

        if (transport.Capabilities.EndsWithHost && !context.Serves && !context.Recovering)
        {
            throw new StorageException(StorageErrorKind.Unavailable, name, "serves as long as the daemon runs, and none does: start `evestorage serve`");
        }
    }
}

/// <summary>Exports a volume, or adds hosts to its export.</summary>
internal sealed class PlanAddExport(LazyVolumes lazy) : PlanExport<AddExport>(lazy)
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(AddExport request, PlanningContext context, CancellationToken cancellationToken)
    {
        (string name, IVolumeTransport transport) = context.Parts.TransportOf(request.Transport);
        await RequireServingAsync(name, transport, context, cancellationToken);
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        VolumeRecord record = await RequireRecordAsync(pool, request.Volume, cancellationToken);
        if (ImageLayer.IsIn(record) && !transport.Capabilities.Serves.HasFlag(AccessKinds.Blocks))
        {
            throw new StorageException(StorageErrorKind.NotSupported, request.Subject, $"is not copied from its image yet, and {name} serves devices alone: export it by nvmet-user, or wait for the copy (`evestorage volume show {request.Subject}`)");
        }

        if (request.Subsystem is string asked)
        {
            ExportNames.OurSubsystem(asked);
        }

        ExportRecord? there = Before(record, context).FirstOrDefault(export => export.Transport == name);
        ExportRecord wanted = there is null ? await NewAsync(request, name, transport, record, context, cancellationToken)
            : request.Exactly ? ExactExport.Of(request, there) : WithHostsOf(request, there);
        RequireSound(wanted, transport, request.Subject);
        return await PlanServingAsync(pool, request.Volume, record, wanted, context, cancellationToken);
    }

    private static async Task<ExportRecord> NewAsync(AddExport request, string name, IVolumeTransport transport, VolumeRecord record, PlanningContext context, CancellationToken cancellationToken)
    {
        Nqn subsystem = ExportNames.OurSubsystem(request.Subsystem ?? ExportNames.SubsystemOf(record.Id));

        // In a subsystem of its own a volume is the first: to look for a free number among all there are would make the exports of a large file slow.
        int number = request.NamespaceId ?? (request.Exactly && request.Subsystem is null ? 1 : await ExportNames.FreeNumberAsync(context, transport, subsystem, record.Id, cancellationToken));
        ExportRecord empty = new() { Transport = name, Subsystem = $"{subsystem}", NamespaceId = number, AllowedHosts = new Dictionary<string, string?>(), ReadOnly = false };
        return request.Exactly
            ? ExactExport.Of(request, empty)
            : empty with { AllowedHosts = request.AllowedHosts ?? empty.AllowedHosts, ControllerKeys = request.ControllerKeys, ReadOnly = request.ReadOnly == true, Limits = request.Limits };
    }

    // Adding gives access to who is named, and changes nobody's: not who else has it, nor what may be done with it.
    private static ExportRecord WithHostsOf(AddExport request, ExportRecord there)
    {
        string[] otherwise = [.. ExportWords.Otherwise(request, there)];
        return otherwise.Length == 0
            ? there with { AllowedHosts = Both(there.AllowedHosts, request.AllowedHosts ?? new Dictionary<string, string?>()), ControllerKeys = Both(there.ControllerKeys, request.ControllerKeys) }
            : throw new StorageException(StorageErrorKind.Conflict, request.Subject, $"is exported by {there.Transport} already, {string.Join(", ", otherwise)}: `evestorage export set {request.Subject}` changes that, and `export remove` ends it");
    }

    private static Dictionary<string, TValue> Both<TValue>(IReadOnlyDictionary<string, TValue> there, IReadOnlyDictionary<string, TValue> more)
    {
        Dictionary<string, TValue> both = new(there);
        foreach ((string host, TValue value) in more)
        {
            both[host] = value;
        }

        return both;
    }
}

/// <summary>Changes an export in place.</summary>
internal sealed class PlanSetExport(LazyVolumes lazy) : PlanExport<SetExport>(lazy)
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(SetExport request, PlanningContext context, CancellationToken cancellationToken)
    {
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        VolumeRecord record = await RequireRecordAsync(pool, request.Volume, cancellationToken);
        ExportRecord there = Before(record, context).Where(export => request.Transport is null || export.Transport == request.Transport).ToArray() switch
        {
            [ExportRecord one] => one,
            [] => throw new StorageException(StorageErrorKind.NotFound, request.Subject, "has no such export: see `evestorage export list`, and `evestorage export add`"),
            ExportRecord[] several => throw new StorageException(StorageErrorKind.InvalidConfiguration, request.Subject, $"is exported by {string.Join(" and ", several.Select(export => export.Transport))}: say which with --transport"),
        };
        IVolumeTransport transport = context.Parts.TransportOf(there.Transport).Transport;
        if (context.Serves || !transport.Capabilities.EndsWithHost)
        {
            await RequireServingAsync(there.Transport, transport, context, cancellationToken);
        }

        foreach (string host in request.ControllerKeys.Keys.Where(host => request.AllowedHosts?.ContainsKey(host) != true))
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, request.Subject, $"gets a key to prove itself to {host}, which the change does not name as a host: name all hosts that are to have access");
        }

        ExportRecord wanted = there with
        {
            AllowedHosts = request.AllowedHosts ?? there.AllowedHosts,
            ControllerKeys = request.AllowedHosts is null ? there.ControllerKeys : request.ControllerKeys,
            ReadOnly = request.ReadOnly ?? there.ReadOnly,
            Limits = ExactExport.LimitsOf(request.Limits, there.Limits),
        };
        RequireSound(wanted, transport, request.Subject);
        return await PlanServingAsync(pool, request.Volume, record, wanted, context, cancellationToken);
    }
}

/// <summary>Ends an export, or takes hosts away from it.</summary>
internal sealed class PlanRemoveExport(LazyVolumes lazy) : PlanExport<RemoveExport>(lazy)
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(RemoveExport request, PlanningContext context, CancellationToken cancellationToken)
    {
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        VolumeRecord record = await RequireRecordAsync(pool, request.Volume, cancellationToken);
        ExportRecord[] exports = [.. Before(record, context).Where(export => request.Transport is null || export.Transport == request.Transport)];
        if (exports.Length == 0 && !context.Recovering)
        {
            throw new StorageException(StorageErrorKind.NotFound, request.Subject, "has no such export: see `evestorage export list`");
        }

        foreach (string host in request.Hosts.Where(host => !exports.Any(export => export.AllowedHosts.ContainsKey(host))))
        {
            throw new StorageException(StorageErrorKind.NotFound, request.Subject, $"is not exported to {host}: see `evestorage export list`");
        }

        Plan plan = Plan.Of();
        foreach (ExportRecord export in exports)
        {
            plan = plan.Then(request.Hosts.Count == 0
                ? await PlanEndAsync(pool, request.Volume, record, export, context, cancellationToken)
                : await PlanWithoutAsync(request, pool, record, export, context, cancellationToken));
        }

        return plan;
    }

    private static async Task<Plan> PlanEndAsync(IStoragePool pool, VolumeName volume, VolumeRecord record, ExportRecord export, PlanningContext context, CancellationToken cancellationToken)
    {
        // A transport that the profile no longer has serves nothing; what is left of it is the record.
        Plan end = context.Parts.TransportNames.Contains(export.Transport)
            ? await context.Parts.TransportOf(export.Transport).Transport.PlanUnexportAsync(record.Id, cancellationToken)
            : Plan.Of();
        return end.Then(Plan.Of(new RecordExport(pool, volume, export.Transport, wanted: null, record)));
    }

    private async Task<Plan> PlanWithoutAsync(RemoveExport request, IStoragePool pool, VolumeRecord record, ExportRecord export, PlanningContext context, CancellationToken cancellationToken)
    {
        if (!request.Hosts.Any(export.AllowedHosts.ContainsKey))
        {
            return Plan.Of();
        }

        ExportRecord wanted = export with
        {
            AllowedHosts = export.AllowedHosts.Where(host => !request.Hosts.Contains(host.Key)).ToDictionary(),
            ControllerKeys = export.ControllerKeys.Where(host => !request.Hosts.Contains(host.Key)).ToDictionary(),
        };
        if (wanted.AllowedHosts.Count > 0)
        {
            return context.Parts.TransportNames.Contains(export.Transport)
                ? await PlanServingAsync(pool, request.Volume, record, wanted, context, cancellationToken)
                : Plan.Of(new RecordExport(pool, request.Volume, export.Transport, wanted, record) { Says = ExportWords.Change(export, wanted) });   // it serves nothing
        }

        throw new StorageException(StorageErrorKind.InvalidConfiguration, request.Subject, $"is exported by {export.Transport} to nobody else: `evestorage export remove {request.Subject} --transport {export.Transport}` ends the export");
    }
}
