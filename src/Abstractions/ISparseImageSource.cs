namespace EveStorage;

/// <summary>A run of a source's bytes.</summary>
/// <param name="Offset">Its first byte.</param>
/// <param name="Length">How many they are.</param>
public readonly record struct SourceRun(long Offset, long Length);

/// <summary>A source that knows where it has nothing, as a sparse file does.</summary>
public interface ISparseImageSource : IImageSource
{
    /// <summary>The first run of data at or after <paramref name="offset"/>; null when only holes follow.</summary>
    ValueTask<SourceRun?> FindDataAsync(long offset, CancellationToken cancellationToken);
}
