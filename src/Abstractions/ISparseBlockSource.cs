namespace EveStorage;

/// <summary>Blocks that know where there is nothing, as those of a sparse file do.</summary>
public interface ISparseBlockSource : IBlockSource
{
    /// <summary>The first run at or after <paramref name="offset"/> that may hold something; null when all that follows reads as zero.</summary>
    ValueTask<SourceRun?> FindDataAsync(long offset, CancellationToken cancellationToken);
}
