using Microsoft.Extensions.Logging;

namespace EveStorage.Lvm;

/// <summary>
/// Looks now and then whether an open thin pool's metadata has to grow, so that it does before it is full. What gets full or
/// fails is told by the host, which asks for the pool's status; but a status changes nothing.
/// </summary>
internal sealed partial class MetadataWatch : IAsyncDisposable
{
    private readonly LvmThinPool _pool;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _watching;

    internal MetadataWatch(LvmThinPool pool, TimeSpan interval, PluginServices services)
    {
        _pool = pool;
        _log = services.Loggers.CreateLogger<MetadataWatch>();
        _watching = WatchAsync(interval, services.Time);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _watching;
        _end.Dispose();
    }

    private async Task WatchAsync(TimeSpan interval, TimeProvider time)
    {
        using PeriodicTimer timer = new(interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_end.Token))
            {
                await LookAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The pool is closed.
        }
    }

    private async Task LookAsync()
    {
        try
        {
            if (ThinPoolRoom.IsTight(_pool.PoolIn(await _pool.Group.ListAsync(_end.Token))))
            {
                using IDisposable held = await _pool.LockAsync("grow the thin pool's metadata", _end.Token);
                await ThinPoolRoom.ListAsync(_pool, _end.Token);
            }
        }
        catch (StorageException e)
        {
            LogFailed(_pool.Name, e.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Pool}: can't look whether its metadata has to grow: {Reason}")]
    private partial void LogFailed(PoolName pool, string reason);
}
