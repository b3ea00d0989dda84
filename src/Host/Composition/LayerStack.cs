using System.Security.Cryptography;
using System.Text;

namespace EveStorage.Host.Composition;

/// <summary>A layer at its place in a stack, and its kind, as records have it.</summary>
internal sealed record StackedLayer(string Kind, IVolumeLayer Layer, LayerSite Site)
{
    /// <summary>The path it shows.</summary>
    internal string Path => Layer.PathOver(Site);
}

/// <summary>Layers over a volume, or over a device under a pool: they open, grow and close as one.</summary>
internal sealed class LayerStack
{
    private readonly List<StackedLayer> _layers = [];
    private readonly string _bottom;

    private LayerStack(
        LayerPlacement placement, string subject, string name, string bottom, IEnumerable<(IVolumeLayer Layer, LayerRecord Record)> layers, MountSpec? mount = null)
    {
        _bottom = bottom;
        foreach ((IVolumeLayer layer, LayerRecord record) in layers)
        {
            LayerSite site = new()
            {
                Placement = placement,
                Subject = subject,
                Name = $"{name}-{record.Kind}",
                LowerPath = Path,
                Key = record.Key is null ? null : new KeyName(record.Key),
                Mount = layer.Capabilities.Above == VolumeForm.FileSystem ? mount : null,
            };
            _layers.Add(new(record.Kind, layer, site));
        }
    }

    /// <summary>The layers, lowest first.</summary>
    internal IReadOnlyList<StackedLayer> Layers => _layers;

    /// <summary>What the profile, or who added it, calls the device under a pool; the volume's path for the layers of one.</summary>
    internal string Device { get; private init; } = "";

    /// <summary>Whether the drive below is not there.</summary>
    internal bool IsAbsent => _layers.Count > 0 ? !System.IO.Path.Exists(_bottom) : DeviceNames.IsAbsent(_bottom);

    /// <summary>What to say of one that is not there.</summary>
    internal string AbsentMessage => $"{Device} is not there: plug it in, or take it out of the profile if it is gone for good";

    /// <summary>Whether a device under a pool is called so: below its layers or above them, by a path, a number or a name.</summary>
    internal bool IsCalled(string name) => DeviceNames.AreSame(Device, name) || DeviceNames.AreSame(Path, name) || DeviceNames.IdentityOf(Device) == name;

    /// <summary>The path at the top.</summary>
    internal string Path => _layers.Count == 0 ? _bottom : _layers[^1].Path;

    /// <summary>The file system at the top; null when a block device is there.</summary>
    internal StackedLayer? FileSystem => _layers.Count > 0 && _layers[^1].Layer.Capabilities.Above == VolumeForm.FileSystem ? _layers[^1] : null;

    /// <summary>What the layers take of what lies below.</summary>
    internal ByteSize Overhead => new(_layers.Sum(stacked => stacked.Layer.Capabilities.Overhead.Bytes));

    /// <summary>What the layers add.</summary>
    internal VolumeTraits Adds => _layers.Aggregate(VolumeTraits.None, (traits, stacked) => traits | stacked.Layer.Capabilities.Adds);

    /// <summary>Whether what reads as zero at the bottom does so at the top.</summary>
    internal bool KeepsZeroes => _layers.TrueForAll(stacked => stacked.Layer.Capabilities.KeepsZeroes);

    /// <summary>The layers of a volume. They are named by its id, so that a rename leaves them alone.</summary>
    internal static LayerStack OverVolume(
        IStoragePool pool, VolumeName volume, Guid id, IEnumerable<(IVolumeLayer Layer, LayerRecord Record)> layers, MountSpec? mount = null)
        => new(LayerPlacement.OverVolume, $"{pool.Name}/{volume}", $"evestorage-{id:D}", pool.PathOf(volume), layers, mount) { Device = pool.PathOf(volume) };

    /// <summary>The layers of a device that a pool is made of. They are named by the pool and by what the profile calls the device.</summary>
    internal static LayerStack UnderPool(PoolName pool, string device, string path, IEnumerable<(IVolumeLayer Layer, LayerRecord Record)> layers)
    {
        const int Kept = 12;   // 48 bits: two devices of one pool don't meet, and the name stays within the kernel's 127
        (IVolumeLayer Layer, LayerRecord Record)[] all = [.. layers];
        string named = all.Length == 0 ? "" : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(device)))[..Kept];   // a library of 5 MiB, for where there are layers
        return new(LayerPlacement.UnderPool, $"{pool}: {device}", $"evestorage-{pool}-{named}", path, all) { Device = device };
    }

    /// <summary>Whether every layer is open.</summary>
    internal async Task<bool> IsOpenAsync(CancellationToken cancellationToken) => await CountOpenAsync(cancellationToken) == _layers.Count;

    /// <summary>How many of the layers are open.</summary>
    internal async Task<int> CountOpenAsync(CancellationToken cancellationToken)
    {
        int open = 0;
        foreach (StackedLayer stacked in _layers)
        {
            open += await stacked.Layer.IsOpenAsync(stacked.Site, cancellationToken) ? 1 : 0;
        }

        return open;
    }

    /// <summary>Plans putting every layer on for the first time, and opening it.</summary>
    internal Task<Plan> PlanFormatAsync(CancellationToken cancellationToken)
        => JoinAsync(_layers, async stacked =>
            (await stacked.Layer.PlanFormatAsync(stacked.Site, cancellationToken)).Then(await stacked.Layer.PlanOpenAsync(stacked.Site, cancellationToken)));

    /// <summary>Plans opening every layer.</summary>
    internal Task<Plan> PlanOpenAsync(CancellationToken cancellationToken)
        => JoinAsync(_layers, stacked => stacked.Layer.PlanOpenAsync(stacked.Site, cancellationToken));

    /// <summary>Plans closing every layer, the highest first.</summary>
    internal Task<Plan> PlanCloseAsync(CancellationToken cancellationToken)
        => JoinAsync(_layers.AsEnumerable().Reverse(), stacked => stacked.Layer.PlanCloseAsync(stacked.Site, cancellationToken));

    /// <summary>Plans growing every layer into what lies below, which grew before.</summary>
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
