using Microsoft.Win32.SafeHandles;

namespace EveStorage.Cli.Api;

/// <summary>
/// Everything a command can ask for. The engine in this process and the client of a daemon's socket are the two that
/// answer, so that every verb is the same with a daemon and without.
/// </summary>
internal interface IStorageApi : IAsyncDisposable
{
    /// <summary>Who answers.</summary>
    Task<HostReport> GetHostAsync(CancellationToken cancellationToken);

    /// <summary>Every plugin that is found or enabled.</summary>
    Task<IReadOnlyList<PluginReport>> ListPluginsAsync(CancellationToken cancellationToken);

    /// <summary>The block devices of this machine.</summary>
    Task<IReadOnlyList<DeviceReport>> ListDevicesAsync(CancellationToken cancellationToken);

    /// <summary>Every pool of the profile.</summary>
    Task<IReadOnlyList<PoolReport>> ListPoolsAsync(CancellationToken cancellationToken);

    /// <summary>One pool of the profile.</summary>
    Task<PoolReport> GetPoolAsync(PoolName pool, CancellationToken cancellationToken);

    /// <summary>The volumes of a pool, or of all when it is null. Those with a temporary name belong to an operation and are left out.</summary>
    Task<IReadOnlyList<VolumeReport>> ListVolumesAsync(PoolName? pool, CancellationToken cancellationToken);

    /// <summary>One volume.</summary>
    Task<VolumeReport> GetVolumeAsync(PoolName pool, VolumeName volume, CancellationToken cancellationToken);

    /// <summary>The file systems of a pool, or of all when it is null.</summary>
    Task<IReadOnlyList<FileSystemReport>> ListFileSystemsAsync(PoolName? pool, CancellationToken cancellationToken);

    /// <summary>One file system.</summary>
    Task<FileSystemReport> GetFileSystemAsync(PoolName pool, VolumeName name, CancellationToken cancellationToken);

    /// <summary>Every export, as served and as recorded.</summary>
    Task<IReadOnlyList<ExportReport>> ListExportsAsync(CancellationToken cancellationToken);

    /// <summary>Operations that run and those that ended lately, oldest first.</summary>
    Task<IReadOnlyList<OperationReport>> ListOperationsAsync(CancellationToken cancellationToken);

    /// <summary>One operation.</summary>
    Task<OperationReport> GetOperationAsync(Guid id, CancellationToken cancellationToken);

    /// <summary>The operation as it is now, then at each change, and at last when it has ended.</summary>
    IAsyncEnumerable<OperationReport> WatchOperationAsync(Guid id, CancellationToken cancellationToken);

    /// <summary>Asks an operation to stop and undo. One that has ended stays as it ended.</summary>
    Task CancelOperationAsync(Guid id, CancellationToken cancellationToken);

    /// <summary>Says that a person found all well after an operation that needed one, so that its volume takes changes again.</summary>
    Task ClearOperationAsync(Guid id, CancellationToken cancellationToken);

    /// <summary>The events kept, then, when <paramref name="follow"/>, each new one.</summary>
    IAsyncEnumerable<EventReport> WatchEventsAsync(bool follow, CancellationToken cancellationToken);

    /// <summary>The names of the keys that are there.</summary>
    Task<IReadOnlyList<KeyName>> ListKeysAsync(CancellationToken cancellationToken);

    /// <summary>What is left that no start repairs.</summary>
    Task<IReadOnlyList<Finding>> DiagnoseAsync(CancellationToken cancellationToken);

    /// <summary>Measurements, as Prometheus reads them.</summary>
    Task<string> GetMetricsAsync(CancellationToken cancellationToken);

    /// <summary>What an image holds.</summary>
    Task<ImageReport> InspectImageAsync(SafeFileHandle image, string name, string? format, CancellationToken cancellationToken);

    /// <summary>What an image at a URL holds. It is read by ranges where its server has them, and only its tables are.</summary>
    Task<ImageReport> InspectUrlAsync(UrlQuestion question, CancellationToken cancellationToken);

    /// <summary>What a request would do.</summary>
    /// <param name="request">The request.</param>
    /// <param name="image">The image of an import or a save; else null. The caller keeps it.</param>
    /// <param name="cancellationToken">Stops planning.</param>
    Task<PlanReport> PlanAsync(ChangeRequest request, SafeFileHandle? image, CancellationToken cancellationToken);

    /// <summary>Plans a request, journals it and starts it.</summary>
    /// <param name="request">The request.</param>
    /// <param name="image">The image of an import or a save; else null. The call takes a duplicate, and the caller keeps its own.</param>
    /// <param name="cancellationToken">Stops planning; once this returned, <see cref="CancelOperationAsync"/> does.</param>
    /// <returns>The operation's id.</returns>
    Task<Guid> SubmitAsync(ChangeRequest request, SafeFileHandle? image, CancellationToken cancellationToken);
}
