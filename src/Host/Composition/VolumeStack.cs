namespace EveStorage.Host.Composition;

/// <summary>A volume with the layers over it, planned as one.</summary>
internal static class VolumeStack
{
    /// <summary>Plans making <paramref name="spec"/> of what the pool has and the layers add.</summary>
    /// <exception cref="StorageException">It can't be composed; the message has every reason.</exception>
    internal static async Task<Plan> PlanCreateAsync(IStoragePool pool, VolumeSpec spec, IReadOnlyList<PlacedLayer> available, CancellationToken cancellationToken)
    {
        IReadOnlyList<PlacedLayer> stack = VolumeComposer.Compose(spec, pool.Capabilities, available);
        VolumeSpec lowest = stack.Count == 0 ? spec : spec with { Form = stack[0].Layer.Below, Traits = spec.Traits & pool.Capabilities.Traits };
        Plan plan = await pool.PlanCreateAsync(lowest, cancellationToken);
        string path = pool.PathOf(spec.Name);
        foreach (PlacedLayer placed in stack.Where(placed => placed.Placement == LayerPlacement.OverVolume))
        {
            plan = plan
                .Then(await placed.Layer.PlanFormatAsync(spec.Name, path, cancellationToken))
                .Then(await placed.Layer.PlanOpenAsync(spec.Name, path, cancellationToken));
            path = placed.Layer.PathOver(spec.Name, path);
        }

        return plan;
    }
}
