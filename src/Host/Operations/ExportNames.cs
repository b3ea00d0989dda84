using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Linux;

namespace EveStorage.Host.Operations;

/// <summary>How a volume's export is called, and what a transport is told of it.</summary>
internal static class ExportNames
{
    /// <summary>The subsystem of one volume alone.</summary>
    internal static string SubsystemOf(Guid volume) => $"{Nqn.OwnPrefix}{volume:D}";

    /// <summary>
    /// The number of a volume in a subsystem: the one it has, or the lowest that neither an export nor a record has. Who asks
    /// holds the exports' lock until the number is on record.
    /// </summary>
    internal static async Task<int> FreeNumberAsync(
        PlanningContext context, IVolumeTransport transport, Nqn subsystem, Guid volume, CancellationToken cancellationToken)
    {
        List<(Guid Volume, int Number)> taken = [];
        await foreach (ExportInfo export in transport.ListExportsAsync(cancellationToken))
        {
            if (export.Subsystem == subsystem)
            {
                taken.Add((export.VolumeId, export.NamespaceId));
            }
        }

        foreach (PoolName name in context.Parts.PoolNames)
        {
            taken.AddRange(await RecordedAsync(context, name, $"{subsystem}", cancellationToken));
        }

        return taken.FirstOrDefault(known => known.Volume == volume) is { Number: > 0 } own
            ? own.Number
            : Enumerable.Range(1, taken.Count + 1).First(number => taken.TrueForAll(known => known.Number != number));
    }

    // A pool that is away may have records, too; its volumes are not served, and a number that is taken is refused when they are.
    private static async Task<List<(Guid Volume, int Number)>> RecordedAsync(PlanningContext context, PoolName name, string subsystem, CancellationToken cancellationToken)
    {
        List<(Guid, int)> recorded = [];
        try
        {
            if (await context.Pools.TryOpenAsync(name, cancellationToken) is IStoragePool pool)
            {
                foreach ((VolumeName _, VolumeRecord record) in await context.Records.OfAsync(pool, cancellationToken))
                {
                    recorded.AddRange(record.Exports.Where(export => export.Subsystem == subsystem).Select(export => (record.Id, export.NamespaceId)));
                }
            }
        }
        catch (StorageException)
        {
            // said by the pool's own status
        }

        return recorded;
    }

    /// <summary>An export as a transport takes it.</summary>
    internal static ExportSpec SpecOf(IStoragePool pool, VolumeName volume, Guid id, ExportRecord record) => new()
    {
        VolumeId = id,
        Subject = $"{pool.Name}/{volume}",
        Subsystem = Typed(record.Subsystem, name => new Nqn(name)),
        NamespaceId = record.NamespaceId,
        AllowedHosts = [.. record.AllowedHosts.Select(host => new AllowedHost(
            Typed(host.Key, name => new HostNqn(name)), host.Value is null ? null : Typed(host.Value, name => new KeyName(name)))
        {
            ControllerKey = record.ControllerKeys.TryGetValue(host.Key, out string? key) ? Typed(key, name => new KeyName(name)) : null,
        })],
        ReadOnly = record.ReadOnly,
        Limits = record.Limits,
    };

    /// <summary>How a transport reaches a volume's blocks: through its layers.</summary>
    internal static VolumeAccess AccessTo(IStoragePool pool, VolumeName volume, LayerStack stack) => new()
    {
        Path = stack.Path,
        OpenBlocksAsync = (access, cancellationToken) => stack.Layers.Count == 0
            ? pool.OpenBlocksAsync(volume, access, cancellationToken)
            : new(DeviceBlocks.Open(stack.Path, $"{pool.Name}/{volume}", access)),
    };

    /// <summary>A subsystem that was named, which has to be one of ours: its name is the mark by which we know what we may change.</summary>
    /// <exception cref="StorageException">It is not.</exception>
    internal static Nqn OurSubsystem(string text)
        => Typed(text, name => new Nqn(name)) is { IsOurs: true } ours
            ? ours
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, text, $"is not ours: ours begin with {Nqn.OwnPrefix}");

    /// <summary>Takes a name that came as text.</summary>
    /// <exception cref="StorageException">It can't be one.</exception>
    internal static T Typed<T>(string text, Func<string, T> parse)
    {
        try
        {
            return parse(text);
        }
        catch (ArgumentException e)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, text, ErrorReport.ReasonOf(e), e);
        }
    }
}
