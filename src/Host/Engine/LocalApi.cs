using EveStorage.Cli.Api;
using EveStorage.Cli.Urls;
using EveStorage.Host.Composition;
using EveStorage.Host.Devices;
using EveStorage.Host.Events;
using EveStorage.Host.FileSystems;
using EveStorage.Host.Images;
using EveStorage.Host.Metrics;
using EveStorage.Host.Operations;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using EveStorage.Host.Urls;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Engine;

/// <summary>The engine in this process, for one caller.</summary>
internal sealed class LocalApi(
    Caller caller, Profile profile, PluginCatalog catalog, StorageParts parts, Overview overview, FileSystemOverview fileSystems, Diagnosis diagnosis, HostMetrics metrics, OperationRunner operations, EventLog events, ImageConversion images)
    : IStorageApi
{
    /// <inheritdoc/>
    public Task<HostReport> GetHostAsync(CancellationToken cancellationToken)
        => Task.FromResult(new HostReport(ProgramVersion.Ours, profile.Name, operations.Serves, Environment.ProcessId) { Configuration = profile.Configuration });

    /// <inheritdoc/>
    public Task<IReadOnlyList<PluginReport>> ListPluginsAsync(CancellationToken cancellationToken)
        => Task.FromResult<IReadOnlyList<PluginReport>>([.. catalog.Entries.Select(entry => entry.Report())]);

    /// <inheritdoc/>
    public Task<IReadOnlyList<DeviceReport>> ListDevicesAsync(CancellationToken cancellationToken) => Task.FromResult(BlockDevices.List());

    /// <inheritdoc/>
    public Task<IReadOnlyList<PoolReport>> ListPoolsAsync(CancellationToken cancellationToken) => overview.PoolsAsync(cancellationToken);

    /// <inheritdoc/>
    public Task<PoolReport> GetPoolAsync(PoolName pool, CancellationToken cancellationToken) => overview.PoolAsync(pool, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<VolumeReport>> ListVolumesAsync(PoolName? pool, CancellationToken cancellationToken)
        => overview.VolumesAsync(pool, cancellationToken);

    /// <inheritdoc/>
    public async Task<VolumeReport> GetVolumeAsync(PoolName pool, VolumeName volume, CancellationToken cancellationToken)
        => await overview.VolumeAsync(pool, volume, cancellationToken)
            ?? throw new StorageException(StorageErrorKind.NotFound, $"{pool}/{volume}", "is no volume here: see `evestorage volume list`");

    /// <inheritdoc/>
    public Task<IReadOnlyList<FileSystemReport>> ListFileSystemsAsync(PoolName? pool, CancellationToken cancellationToken) => fileSystems.ListAsync(pool, cancellationToken);

    /// <inheritdoc/>
    public Task<FileSystemReport> GetFileSystemAsync(PoolName pool, VolumeName name, CancellationToken cancellationToken) => fileSystems.GetAsync(pool, name, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<ExportReport>> ListExportsAsync(CancellationToken cancellationToken) => overview.ExportsAsync(cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<OperationReport>> ListOperationsAsync(CancellationToken cancellationToken) => Task.FromResult(operations.List());

    /// <inheritdoc/>
    public Task<OperationReport> GetOperationAsync(Guid id, CancellationToken cancellationToken) => Task.FromResult(operations.Get(id));

    /// <inheritdoc/>
    public IAsyncEnumerable<OperationReport> WatchOperationAsync(Guid id, CancellationToken cancellationToken)
        => operations.WatchAsync(id, cancellationToken);

    /// <inheritdoc/>
    public Task CancelOperationAsync(Guid id, CancellationToken cancellationToken) => operations.CancelAsync(id, cancellationToken);

    /// <inheritdoc/>
    public Task ClearOperationAsync(Guid id, CancellationToken cancellationToken)
    {
        operations.Clear(id, caller);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<EventReport> WatchEventsAsync(bool follow, CancellationToken cancellationToken) => events.ReadAsync(follow, cancellationToken);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<KeyName>> ListKeysAsync(CancellationToken cancellationToken)
        => [.. (await parts.RequireKeys().ListAsync(cancellationToken).ToListAsync(cancellationToken)).OrderBy(key => $"{key}", StringComparer.Ordinal)];

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> DiagnoseAsync(CancellationToken cancellationToken) => diagnosis.RunAsync(cancellationToken);

    /// <inheritdoc/>
    public Task<string> GetMetricsAsync(CancellationToken cancellationToken) => metrics.MeasureAsync(cancellationToken);

    /// <inheritdoc/>
    public Task<ImageReport> InspectImageAsync(SafeFileHandle image, string name, string? format, CancellationToken cancellationToken)
        => images.InspectAsync(new(image, name), new() { Format = format }, cancellationToken);

    /// <inheritdoc/>
    public async Task<ImageReport> InspectUrlAsync(UrlQuestion question, CancellationToken cancellationToken)
    {
        Uri url = UrlRule.Parse(question.Url);
        images.RequireAllowed(url, caller);
        await using ImageInput image = await images.OpenUrlAsync(url, UrlRule.NameOf(url), digest: false, cancellationToken);
        return await images.InspectAsync(image, new() { Format = question.Format }, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<PlanReport> PlanAsync(ChangeRequest request, SafeFileHandle? image, CancellationToken cancellationToken)
    {
        RequireAllowed(request);
        return operations.PlanAsync(request, image, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<Guid> SubmitAsync(ChangeRequest request, SafeFileHandle? image, CancellationToken cancellationToken)
    {
        RequireAllowed(request);
        return operations.SubmitAsync(request, image, caller, cancellationToken);
    }

    /// <summary>Nothing: the engine is not this caller's.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void RequireAllowed(ChangeRequest request)
    {
        if (request is ImportImage { Url: string url })
        {
            UrlCallers.Require(UrlRule.Parse(url), caller, profile.Images);
        }
    }
}
