namespace EveStorage.Host.Composition;

/// <summary>The keys of a pool.</summary>
internal static class PoolKeys
{
    /// <summary>Those that open the layers under it now, as they say themselves; those of the profile where they say nothing.</summary>
    internal static async Task<IReadOnlyList<KeyName>> OfAsync(IEnumerable<LayerStack> devices, CancellationToken cancellationToken)
    {
        HashSet<KeyName> keys = [];
        foreach (StackedLayer stacked in devices.SelectMany(device => device.Layers))
        {
            if ((await FindAsync(stacked, cancellationToken) ?? stacked.Site.Key) is KeyName key)
            {
                keys.Add(key);
            }
        }

        return [.. keys];
    }

    /// <summary>What the layers say themselves, each kind's first.</summary>
    internal static async Task<IReadOnlyDictionary<string, KeyName>> SaidAsync(IEnumerable<LayerStack> devices, CancellationToken cancellationToken)
    {
        Dictionary<string, KeyName> keys = [];
        foreach (StackedLayer stacked in devices.SelectMany(device => device.Layers))
        {
            if (!keys.ContainsKey(stacked.Kind) && await FindAsync(stacked, cancellationToken) is KeyName key)
            {
                keys.Add(stacked.Kind, key);
            }
        }

        return keys;
    }

    /// <summary>Whether a layer of a stack is there, by what lies below it.</summary>
    internal static async Task<bool> AnyIsThereAsync(LayerStack device, CancellationToken cancellationToken)
        => (await SaidAsync([device], cancellationToken)).Count > 0;

    private static async Task<KeyName?> FindAsync(StackedLayer stacked, CancellationToken cancellationToken)
        => stacked.Layer is IRekeyableLayer rekeyable ? await rekeyable.FindKeyAsync(stacked.Site, cancellationToken) : null;
}
