namespace EveStorage;

/// <summary>How to reach a volume's blocks: by a path for the kernel, by an object for a target of ours. At least one is there.</summary>
public sealed record VolumeAccess
{
    /// <summary>The block device or the image file; null when there is none, as while an image is attached lazily.</summary>
    public string? Path { get; init; }

    /// <summary>Opens the blocks as an object, which the caller disposes; null when only the kernel has them.</summary>
    public Func<BlockAccess, CancellationToken, ValueTask<IBlockSource>>? OpenBlocksAsync { get; init; }
}
