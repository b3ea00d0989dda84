namespace EveStorage.Host.Composition;

/// <summary>Plans volumes as stacks: of the pool what the pool has, of the layers the rest.</summary>
internal static class StackPlanner
{
    /// <summary>Plans making <paramref name="spec"/>.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="spec">The volume as asked for.</param>
    /// <param name="id">The id that was drawn for it.</param>
    /// <param name="available">The layers that the profile has for the pool.</param>
    /// <param name="cancellationToken">Stops planning.</param>
    /// <exception cref="StorageException">It can't be composed; the message has every reason.</exception>
    internal static async Task<(VolumeStack Stack, Plan Plan)> PlanCreateAsync(
        IStoragePool pool, VolumeSpec spec, Guid id, IReadOnlyList<PlacedLayer> available, CancellationToken cancellationToken)
    {
        PlacedLayer[] composed = [.. VolumeComposer.Compose(spec, pool.Capabilities, available).Where(placed => placed.Placement == LayerPlacement.OverVolume)];
        (IVolumeLayer Layer, LayerRecord Record)[] layers =
            [.. composed.Select(placed => (placed.Layer, new LayerRecord { Kind = placed.Layer.Kind, Key = placed.Layer.NeedsKey ? $"volume-{id:D}" : null }))];
        VolumeStack stack = new(pool, spec.Name, id, layers);
        VolumeSpec lowest = spec with
        {
            Form = layers.Length == 0 ? spec.Form : layers[0].Layer.Below,
            Size = new(spec.Size.Bytes + stack.Overhead.Bytes),
            Traits = spec.Traits & pool.Capabilities.Traits,
            Layers = [.. layers.Select(layer => layer.Record)],
        };
        Plan create = await pool.PlanCreateAsync(layers.Length == 0 ? spec : lowest, cancellationToken);
        return (stack, create.Then(await stack.PlanFormatAsync(cancellationToken)));
    }
}
