using Microsoft.Extensions.Logging;

namespace EveStorage.Lvm;

/// <summary>
/// Looks at an open pool now and then, so that what gets full or fails is told with no command given. One a pool, and none a
/// volume; the kernel itself tells only when a thin pool is full, which is too late for a warning.
/// </summary>
internal sealed partial class PoolWatch : IAsyncDisposable
{
    private readonly LvmPool _pool;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _watching;

    internal PoolWatch(LvmPool pool, TimeSpan interval, PluginServices services)
    {
        _pool = pool;
        _log = services.Loggers.CreateLogger<PoolWatch>();
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
            PoolStatus status = await _pool.GetStatusAsync(_end.Token);
            if (_pool is LvmThinPool thin && ThinPoolRoom.IsTight(status.Metadata))
            {
                using IDisposable held = await _pool.LockAsync("grow the thin pool's metadata", _end.Token);
                await ThinPoolRoom.ListAsync(thin, _end.Token);
            }
        }
        catch (StorageException e)
        {
            LogFailed(_pool.Name, e.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Pool}: its status can't be read: {Reason}")]
    private partial void LogFailed(PoolName pool, string reason);
}
