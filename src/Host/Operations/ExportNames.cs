namespace EveStorage.Host.Operations;

/// <summary>How a volume's export is called, and what a transport is told of it.</summary>
internal static class ExportNames
{
    /// <summary>The subsystem of one volume alone.</summary>
    internal static string SubsystemOf(Guid volume) => $"{Nqn.OwnPrefix}{volume:D}";

    /// <summary>The number of a volume in a subsystem: the one it has, or the lowest that is free.</summary>
    internal static async Task<int> FreeNumberAsync(IVolumeTransport transport, Nqn subsystem, Guid volume, CancellationToken cancellationToken)
    {
        HashSet<int> taken = [];
        await foreach (ExportInfo export in transport.ListExportsAsync(cancellationToken))
        {
            if (export.Subsystem == subsystem)
            {
                if (export.VolumeId == volume)
                {
                    return export.NamespaceId;
                }

                taken.Add(export.NamespaceId);
            }
        }

        return Enumerable.Range(1, taken.Count + 1).First(number => !taken.Contains(number));
    }

    /// <summary>An export as a transport takes it.</summary>
    internal static ExportSpec SpecOf(IStoragePool pool, VolumeName volume, Guid id, ExportRecord record) => new()
    {
        VolumeId = id,
        Subject = $"{pool.Name}/{volume}",
        Subsystem = Typed(record.Subsystem, name => new Nqn(name)),
        NamespaceId = record.NamespaceId,
        AllowedHosts = [.. record.AllowedHosts.Select(host => new AllowedHost(
            Typed(host.Key, name => new HostNqn(name)), host.Value is null ? null : Typed(host.Value, name => new KeyName(name))))],
        ReadOnly = record.ReadOnly,
    };

    /// <summary>How a transport reaches a volume's blocks.</summary>
    internal static VolumeAccess AccessTo(IStoragePool pool, VolumeName volume) => new()
    {
        Path = pool.PathOf(volume),
        OpenBlocksAsync = (access, cancellationToken) => pool.OpenBlocksAsync(volume, access, cancellationToken),
    };

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
            throw new StorageException(StorageErrorKind.InvalidConfiguration, text, e.Message, e);
        }
    }
}
