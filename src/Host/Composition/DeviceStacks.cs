using EveStorage.Linux;

namespace EveStorage.Host.Composition;

/// <summary>The layers under a pool.</summary>
internal static class DeviceStacks
{
    /// <summary>A stack for each device; an empty one where no layer lies under the pool.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="devices">What each device is called.</param>
    /// <param name="layers">The pool's layers.</param>
    /// <param name="keys">The key of each kind of layer, where it is another than the profile's: a change of keys gave the pool one.</param>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.InvalidConfiguration"/>: a layer can't sit there.</exception>
    internal static IReadOnlyList<LayerStack> Of(
        PoolName pool, IReadOnlyList<string> devices, IReadOnlyList<PlacedLayer> layers, IReadOnlyDictionary<string, KeyName>? keys = null)
    {
        PlacedLayer[] under = [.. layers.Where(placed => placed.Placement == LayerPlacement.UnderPool)];
        if (Array.Find(under, placed => !placed.Layer.Capabilities.Placements.Contains(LayerPlacement.UnderPool)) is PlacedLayer wrong)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, $"{pool}", $"{wrong.Kind} can't lie under a pool: place it OverVolume");
        }

        return [.. devices.Select(device => LayerStack.UnderPool(
            pool, device, under.Length == 0 ? device : Drive.Find(device)?.Path ?? device, under.Select(placed => (placed.Layer, RecordOf(placed)))))];

        LayerRecord RecordOf(PlacedLayer placed)
            => new() { Kind = placed.Kind, Key = keys?.TryGetValue(placed.Kind, out KeyName key) == true ? $"{key}" : KeyOf(pool, placed) };
    }

    private static string? KeyOf(PoolName pool, PlacedLayer placed) => placed.Layer.Capabilities.NeedsKey ? placed.Key ?? $"pool-{pool}" : null;
}
