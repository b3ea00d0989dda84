namespace EveStorage.Host.Composition;

/// <summary>A layer at its place in a stack.</summary>
internal sealed record StackedLayer(IVolumeLayer Layer, LayerSite Site)
{
    /// <summary>The path it shows.</summary>
    internal string Path => Layer.PathOver(Site);
}

/// <summary>A volume with the layers over it, which opens, grows and closes as one.</summary>
internal sealed class VolumeStack
{
    private readonly IStoragePool _pool;
    private readonly VolumeName _volume;
    private readonly List<StackedLayer> _layers = [];

    /// <summary>The stack of a volume with these layers, lowest first.</summary>
    /// <param name="pool">Its pool.</param>
    /// <param name="volume">Its name.</param>
    /// <param name="id">Its id, from which the layers' names come: a rename leaves them alone.</param>
    /// <param name="layers">The layers with the names of their keys.</param>
    internal VolumeStack(IStoragePool pool, VolumeName volume, Guid id, IEnumerable<(IVolumeLayer Layer, LayerRecord Record)> layers)
    {
        _pool = pool;
        _volume = volume;
        foreach ((IVolumeLayer layer, LayerRecord record) in layers)
        {
            LayerSite site = new()
            {
                Placement = LayerPlacement.OverVolume,
                Subject = $"{pool.Name}/{volume}",
                Name = $"evestorage-{id:D}-{record.Kind}",
                LowerPath = Path,
                Key = record.Key is null ? null : new KeyName(record.Key),
            };
            _layers.Add(new(layer, site));
        }
    }

    /// <summary>The layers, lowest first.</summary>
    internal IReadOnlyList<StackedLayer> Layers => _layers;

    /// <summary>The path at its top.</summary>
    internal string Path => _layers.Count == 0 ? _pool.PathOf(_volume) : _layers[^1].Path;

    /// <summary>What the layers take of the volume below.</summary>
    internal ByteSize Overhead => _layers.Aggregate(default(ByteSize), (sum, stacked) => new(sum.Bytes + stacked.Layer.Overhead.Bytes));

    /// <summary>Whether what is new reads as zeros at the top where it does in the pool.</summary>
    internal bool KeepsZeroes => _layers.TrueForAll(stacked => stacked.Layer.KeepsZeroes);

    /// <summary>Plans putting every layer on for the first time, and opening it.</summary>
    internal async Task<Plan> PlanFormatAsync(CancellationToken cancellationToken)
    {
        Plan plan = Plan.Of();
        foreach (StackedLayer stacked in _layers)
        {
            plan = plan
                .Then(await stacked.Layer.PlanFormatAsync(stacked.Site, cancellationToken))
                .Then(await stacked.Layer.PlanOpenAsync(stacked.Site, cancellationToken));
        }

        return plan;
    }

    /// <summary>Plans opening every layer.</summary>
    internal Task<Plan> PlanOpenAsync(CancellationToken cancellationToken)
        => JoinAsync(_layers, stacked => stacked.Layer.PlanOpenAsync(stacked.Site, cancellationToken));

    /// <summary>Plans closing every layer, the highest first.</summary>
    internal Task<Plan> PlanCloseAsync(CancellationToken cancellationToken)
        => JoinAsync(_layers.AsEnumerable().Reverse(), stacked => stacked.Layer.PlanCloseAsync(stacked.Site, cancellationToken));

    /// <summary>Plans growing every layer into the volume, which grew before.</summary>
    internal Task<Plan> PlanGrowAsync(CancellationToken cancellationToken)
        => JoinAsync(_layers, stacked => stacked.Layer.PlanGrowAsync(stacked.Site, cancellationToken));

    /// <summary>Plans closing the layers and making what they hold unreadable for good.</summary>
    internal Task<Plan> PlanEraseAsync(CancellationToken cancellationToken)
        => JoinAsync(_layers.AsEnumerable().Reverse(), async stacked =>
            (await stacked.Layer.PlanCloseAsync(stacked.Site, cancellationToken)).Then(await stacked.Layer.PlanEraseAsync(stacked.Site, cancellationToken)));

    private static async Task<Plan> JoinAsync(IEnumerable<StackedLayer> layers, Func<StackedLayer, ValueTask<Plan>> planned)
    {
        Plan plan = Plan.Of();
        foreach (StackedLayer stacked in layers)
        {
            plan = plan.Then(await planned(stacked));
        }

        return plan;
    }
}
