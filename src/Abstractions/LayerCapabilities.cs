namespace EveStorage;

/// <summary>Where a layer sits.</summary>
public enum LayerPlacement
{
    /// <summary>Under the pool, on each raw device: one key for all, and the pool above sees plain data.</summary>
    UnderPool,

    /// <summary>On top of one volume: a key for each, and the pool below sees what the layer writes.</summary>
    OverVolume,
}

/// <summary>What a layer says of itself, on whatever machine it is: stacks are composed by it before anything is probed.</summary>
public sealed record LayerCapabilities
{
    /// <summary>The traits it adds.</summary>
    public VolumeTraits Adds { get; init; }

    /// <summary>The form it needs below.</summary>
    public required VolumeForm Below { get; init; }

    /// <summary>The form it shows above.</summary>
    public required VolumeForm Above { get; init; }

    /// <summary>Where it can sit.</summary>
    public required IReadOnlySet<LayerPlacement> Placements { get; init; }

    /// <summary>Whether it needs a key: <see cref="LayerSite.Key"/> is given if so.</summary>
    public bool NeedsKey { get; init; }

    /// <summary>What it takes for itself of what lies below. The host makes that larger by so much.</summary>
    public ByteSize Overhead { get; init; }

    /// <summary>Whether what reads as zero below reads as zero above: not so for a cipher, which makes noise of it.</summary>
    public bool KeepsZeroes { get; init; }
}
