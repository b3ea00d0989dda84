using EveStorage.Host.FileSystems;

namespace EveStorage.Host.Composition;

/// <summary>Plans volumes as stacks: of the pool what the pool has, of the layers the rest.</summary>
internal static class StackPlanner
{
    /// <summary>How long a key is that we make: it is random, so that 256 bits are all that a cipher can use.</summary>
    internal const int KeyLength = 32;

    /// <summary>Plans making <paramref name="spec"/>.</summary>
    /// <param name="parts">The profile's parts.</param>
    /// <param name="pool">The pool.</param>
    /// <param name="spec">The volume as asked for. Layers that it has are recorded above those that are composed for it.</param>
    /// <param name="id">The id that was drawn for it.</param>
    /// <param name="cancellationToken">Stops planning.</param>
    /// <param name="mount">Where its file system is to be mounted; null for a disk.</param>
    /// <param name="kind">The kind of file system; null for the first that has what is asked for: the pool's own, then the profile's layers in their order.</param>
    /// <exception cref="StorageException">It can't be composed; the message has every reason.</exception>
    internal static async Task<(LayerStack Stack, Plan Plan)> PlanCreateAsync(
        StorageParts parts, IStoragePool pool, VolumeSpec spec, Guid id, CancellationToken cancellationToken, MountRecord? mount = null, string? kind = null)
    {
        (IFileSystemPool? native, BackendCapabilities capabilities, IReadOnlyList<PlacedLayer> composed) = Compose(parts, pool, spec, kind);
        (IVolumeLayer Layer, LayerRecord Record)[] layers =
            [
                .. native is null ? [] : ((IVolumeLayer, LayerRecord)[])[(new NativeFileSystem(native, spec.Name), new() { Kind = native.FileSystems.Kind })],
                .. composed.Where(placed => placed.Placement == LayerPlacement.OverVolume)
                    .Select(placed => (placed.Layer, new LayerRecord { Kind = placed.Kind, Key = placed.Layer.Capabilities.NeedsKey ? $"volume-{id:D}" : null })),
            ];
        await RequireAsync(spec.Name, layers.Select(layer => (layer.Record.Kind, layer.Layer)), cancellationToken);
        LayerStack stack = parts.StackOf(pool, spec.Name, id, layers, mount);
        VolumeSpec lowest = spec with
        {
            Form = layers.Length == 0 ? spec.Form : layers[0].Layer.Capabilities.Below,
            Size = new(spec.Size.Bytes + stack.Overhead.Bytes),
            Traits = spec.Traits & capabilities.Traits,
            Layers = [.. layers.Select(layer => layer.Record), .. spec.Layers],
        };
        Plan keys = await PlanKeysAsync(parts, [stack], cancellationToken);
        Plan create = await pool.PlanCreateAsync(lowest, cancellationToken);
        Plan place = mount is null ? Plan.Of() : Plan.Of(new RecordMount(pool, spec.Name, mount));
        return (stack, keys.Then(create).Then(place).Then(await stack.PlanFormatAsync(cancellationToken)));
    }

    // Where no kind is named, the first that has what is asked for: a pool's own may have no encryption, and one over a layer has.
    private static (IFileSystemPool? Native, BackendCapabilities Capabilities, IReadOnlyList<PlacedLayer> Composed) Compose(
        StorageParts parts, IStoragePool pool, VolumeSpec spec, string? kind)
    {
        IReadOnlyList<string> kinds = kind is null && spec.Form == VolumeForm.FileSystem ? parts.FileSystemKindsOf(pool) : [];
        foreach (string other in kinds.SkipLast(1))
        {
            try
            {
                return ComposeAs(parts, pool, spec, other);
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.InvalidConfiguration)
            {
                // The next one, or its reason.
            }
        }

        return ComposeAs(parts, pool, spec, kinds.Count > 0 ? kinds[^1] : kind);
    }

    private static (IFileSystemPool? Native, BackendCapabilities Capabilities, IReadOnlyList<PlacedLayer> Composed) ComposeAs(
        StorageParts parts, IStoragePool pool, VolumeSpec spec, string? kind)
    {
        PlacedLayer[] available = [.. parts.LayersOf(pool.Name).Where(placed => kind is null || placed.Layer.Capabilities.Above != VolumeForm.FileSystem || placed.Kind == kind)];
        IFileSystemPool? native = spec.Form == VolumeForm.FileSystem && pool is IFileSystemPool own && own.FileSystems.Kind == kind ? own : null;
        BackendCapabilities capabilities = native is not null ? pool.Capabilities with { Traits = native.FileSystems.Traits }
            : pool is IFileSystemPool ? pool.Capabilities with { Forms = new HashSet<VolumeForm> { VolumeForm.Block } }
            : pool.Capabilities;
        return (native, capabilities, VolumeComposer.Compose(spec, capabilities, available));
    }

    /// <summary>Plans making the keys of stacks. One that is there is taken as it is: someone put it there for this.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: one is not there, and the profile's source makes none.</exception>
    internal static async Task<Plan> PlanKeysAsync(StorageParts parts, IEnumerable<LayerStack> stacks, CancellationToken cancellationToken)
    {
        Plan plan = Plan.Of();
        foreach (KeyName key in KeysOf(stacks))
        {
            try
            {
                plan = plan.Then(await parts.RequireKeys().PlanCreateAsync(key, KeyLength, cancellationToken));
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.NotSupported)
            {
                if (!await parts.RequireKeys().ListAsync(cancellationToken).AnyAsync(there => there == key, cancellationToken))
                {
                    throw;
                }
            }
        }

        return plan;
    }

    /// <summary>The keys of stacks, each once.</summary>
    internal static IEnumerable<KeyName> KeysOf(IEnumerable<LayerStack> stacks)
        => stacks.SelectMany(stack => stack.Layers).Select(stacked => stacked.Site.Key).OfType<KeyName>().Distinct();

    /// <summary>Refuses layers that this machine can't carry out, with every reason.</summary>
    internal static async Task RequireAsync<T>(T subject, IEnumerable<(string Kind, IVolumeLayer Layer)> layers, CancellationToken cancellationToken)
    {
        List<string> missing = [];
        foreach ((string kind, IVolumeLayer layer) in layers)
        {
            missing.AddRange((await layer.ProbeAsync(cancellationToken)).Select(reason => $"{kind}: {reason}"));
        }

        if (missing.Count > 0)
        {
            throw new StorageException(StorageErrorKind.Unavailable, $"{subject}", string.Join("; ", missing));
        }
    }
}
