using Microsoft.Extensions.Configuration;

namespace EveStorage.Host.Profiles;

/// <summary>Encryption as one line of a profile: the layer that the strategy stands for, in every pool that declares none itself.</summary>
internal static class EncryptionLayers
{
    /// <summary>The layer's kind.</summary>
    internal const string Kind = "luks2";

    /// <summary>Adds it.</summary>
    internal static Dictionary<PoolName, PoolOptions> Add(Dictionary<PoolName, PoolOptions> pools, IConfigurationRoot root)
    {
        LayerPlacement? placement = root[nameof(StrategyOptions.Encryption)] switch
        {
            StrategyOptions.UnderPool => LayerPlacement.UnderPool,
            StrategyOptions.OverVolume => LayerPlacement.OverVolume,
            _ => null,
        };
        foreach (PoolOptions pool in placement is null ? [] : pools.Values.Where(pool => pool.Layers.All(layer => layer.Kind != Kind)))
        {
            LayerOptions layer = new() { Kind = Kind, Placement = placement!.Value, Options = root.GetSection("EncryptionOptions") };
            pool.Layers = [layer, .. pool.Layers];
        }

        return pools;
    }
}
