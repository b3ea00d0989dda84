using System.Collections.Frozen;

namespace EveStorage.NvmetUser;

/// <summary>What is served now. Reading takes no lock; a change replaces the whole.</summary>
internal sealed class ExportTable
{
    private readonly Lock _gate = new();
    private FrozenDictionary<Guid, Export> _exports = FrozenDictionary<Guid, Export>.Empty;
    private long _generation;

    /// <summary>All of it.</summary>
    internal IReadOnlyCollection<Export> All => Volatile.Read(ref _exports).Values;

    /// <summary>GENCTR of the discovery log: how often it changed.</summary>
    internal ulong Generation => (ulong)Interlocked.Read(ref _generation);

    /// <summary>The export of a volume; null when it has none.</summary>
    internal Export? Find(Guid volumeId) => Volatile.Read(ref _exports).GetValueOrDefault(volumeId);

    /// <summary>The export that has a subsystem's number, whoever sees it.</summary>
    internal Export? Find(Nqn subsystem, int namespaceId)
        => All.FirstOrDefault(e => e.Spec.Subsystem == subsystem && e.Spec.NamespaceId == namespaceId);

    /// <summary>What <paramref name="host"/> sees of <paramref name="subsystem"/>, by number.</summary>
    internal Export[] VisibleTo(string host, string subsystem)
        => [.. All.Where(e => e.Subsystem == subsystem && e.Allows(host)).OrderBy(e => e.NamespaceId)];

    /// <summary>Refuses a specification whose subsystem and number another volume has.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>.</exception>
    internal void RequireFree(ExportSpec spec)
    {
        if (Find(spec.Subsystem, spec.NamespaceId) is Export other && other.Spec.VolumeId != spec.VolumeId)
        {
            throw new StorageException(
                StorageErrorKind.Conflict, spec.Subject, $"number {spec.NamespaceId} of {spec.Subsystem} is {other.Spec.Subject}; take another");
        }
    }

    /// <summary>Refuses a specification whose host has another key for the same subsystem: it connects once for all its volumes there.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>.</exception>
    internal void RequireSameKeys(ExportSpec spec)
    {
        foreach (Export other in All.Where(e => e.Spec.Subsystem == spec.Subsystem && e.Spec.VolumeId != spec.VolumeId))
        {
            if (spec.AllowedHosts.FirstOrDefault(h => other.Spec.AllowedHosts.Any(o => o.Host == h.Host && o != h)) is AllowedHost host)
            {
                throw new StorageException(
                    StorageErrorKind.Conflict, spec.Subject, $"{host.Host} has other keys for {other.Spec.Subject} of the same subsystem {spec.Subsystem}; use the same ones");
            }
        }
    }

    /// <summary>Serves <paramref name="export"/>, in place of what the volume had.</summary>
    internal void Set(Export export)
    {
        lock (_gate)
        {
            RequireFree(export.Spec);
            RequireSameKeys(export.Spec);
            Replace(new Dictionary<Guid, Export>(_exports) { [export.Spec.VolumeId] = export });
        }
    }

    /// <summary>Serves <paramref name="export"/> no more.</summary>
    internal void Remove(Export export)
    {
        lock (_gate)
        {
            Replace(_exports.Where(e => e.Value != export).ToDictionary());
        }
    }

    private void Replace(Dictionary<Guid, Export> exports)
    {
        Volatile.Write(ref _exports, exports.ToFrozenDictionary());
        Interlocked.Increment(ref _generation);
    }
}
