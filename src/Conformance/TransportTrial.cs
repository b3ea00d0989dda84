using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Conformance;

/// <summary>One case at work: its volumes, its specifications and what it requires.</summary>
internal sealed class TransportTrial(TransportBench bench)
{
    private readonly Dictionary<Guid, ITransportVolume> _volumes = [];

    internal static HostNqn Host { get; } = new("nqn.2014-08.org.nvmexpress:uuid:c0000000-0000-4000-8000-000000000001");

    internal static HostNqn OtherHost { get; } = new("nqn.2014-08.org.nvmexpress:uuid:c0000000-0000-4000-8000-000000000002");

    private static Nqn Subsystem { get; } = new($"{Nqn.OwnPrefix}conformance");

    /// <summary>A specification of the volume of that number, for the first host or for <paramref name="hosts"/>.</summary>
    internal static ExportSpec Spec(int number, params HostNqn[] hosts) => new()
    {
        VolumeId = new(number, 0xC0, 0x4F, [0x80, 1, 2, 3, 4, 5, 6, 7]),
        Subject = $"conformance/volume{number}",
        Subsystem = Subsystem,
        NamespaceId = number,
        AllowedHosts = [.. (hosts.Length == 0 ? [Host] : hosts).Select(h => new AllowedHost(h, Key: null))],
    };

    /// <summary>Whether a case made it.</summary>
    internal static bool IsOfCase(ExportInfo export) => export.Subsystem == Subsystem;

    internal static OperationRequest NewRequest() => new() { Id = Guid.NewGuid() };

    /// <summary>The specification as this transport takes it: one for this machine's programs takes no hosts.</summary>
    internal ExportSpec Asked(ExportSpec spec) => bench.Transport.Capabilities.IsLocal ? spec with { AllowedHosts = [] } : spec;

    internal async Task<Plan> PlanAsync(ExportSpec spec, CancellationToken cancellationToken)
        => await bench.Transport.PlanExportAsync(Asked(spec), (await VolumeOfAsync(spec, cancellationToken)).Access, cancellationToken);

    internal async Task<ITransportVolume> ExportAsync(ExportSpec spec, CancellationToken cancellationToken)
    {
        ITransportVolume volume = await VolumeOfAsync(spec, cancellationToken);
        await bench.Run(await PlanAsync(spec, cancellationToken), NewRequest(), cancellationToken);
        return volume;
    }

    internal async Task ExportAndFailAsync(ExportSpec spec, CancellationToken cancellationToken)
        => await RunAndFailAsync(await PlanAsync(spec, cancellationToken), cancellationToken);

    /// <summary>Reverts an export that its operation never got to, as a start after a crash does: only the marks say whose it is.</summary>
    internal async Task RevertAsync(ExportSpec spec, CancellationToken cancellationToken)
    {
        OperationContext context = new(NewRequest(), NullLogger.Instance, new Progress<StepProgress>(), TimeProvider.System);
        foreach (StorageStep step in (await PlanAsync(spec, cancellationToken)).Steps)
        {
            await step.RevertAsync(context, cancellationToken);
        }
    }

    internal Task RunAndFailAsync(Plan plan, CancellationToken cancellationToken)
        => RequireAsync(FailingStep.Kind, () => bench.Run(plan.Then(Plan.Of(new FailingStep())), NewRequest(), cancellationToken));

    internal async Task EndAsync(ExportSpec spec, CancellationToken cancellationToken)
        => await bench.Run(await bench.Transport.PlanUnexportAsync(spec.VolumeId, cancellationToken), NewRequest(), cancellationToken);

    internal async Task<IReadOnlyList<ExportInfo>> ListAsync(CancellationToken cancellationToken)
        => await bench.Transport.ListExportsAsync(cancellationToken).ToListAsync(cancellationToken);

    internal async Task<ITransportHost> ConnectAsync(HostNqn host, CancellationToken cancellationToken)
        => await bench.ConnectAsync(host, Subsystem, cancellationToken) ?? throw new ConformanceException($"{host} is refused");

    internal async Task RequireRefusedAsync(HostNqn host, CancellationToken cancellationToken)
    {
        await using ITransportHost? connected = await bench.ConnectAsync(host, Subsystem, cancellationToken);
        Require(connected is null, $"{host} is let in");
    }

    internal static async Task RequireFailsAsync(string what, Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (StorageException)
        {
            return;
        }

        throw new ConformanceException($"{what} succeeded");
    }

    internal static async Task RequireAsync(StorageErrorKind kind, Func<Task> call)
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

    internal static void RequireNone(IEnumerable<StorageStep> steps, string otherwise)
        => Require(!steps.Any(), $"{string.Join(", ", steps.Select(s => s.Title))}: {otherwise}");

    internal static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new ConformanceException(otherwise);
        }
    }

    private async Task<ITransportVolume> VolumeOfAsync(ExportSpec spec, CancellationToken cancellationToken)
    {
        if (!_volumes.TryGetValue(spec.VolumeId, out ITransportVolume? volume))
        {
            volume = await bench.MakeVolumeAsync(ByteSize.MiB(1), cancellationToken);
            _volumes.Add(spec.VolumeId, volume);
        }

        return volume;
    }
}
