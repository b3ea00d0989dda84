using EveStorage.Cli.Api;

namespace EveStorage.Tests;

/// <summary>What a pool shows of itself and on its disk, to be held against what it shows later.</summary>
internal sealed record PoolState(string Volumes, string Files, ByteSize Used)
{
    /// <summary>Looks.</summary>
    internal static async Task<PoolState> OfAsync(TestEngine host)
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        IReadOnlyList<VolumeReport> volumes = await host.Api.ListVolumesAsync(TestEngine.Pool, cancellationToken);
        PoolReport pool = await host.Api.GetPoolAsync(TestEngine.Pool, cancellationToken);
        IEnumerable<string> files = Directory.EnumerateFileSystemEntries(host.PoolPath, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal);
        return new(string.Join(' ', volumes.Select(volume => $"{volume.Name}")), string.Join('\n', files), pool.Status.ShouldNotBeNull().Used);
    }
}
