using EveStorage.Host.Composition;
using EveStorage.Host.FileSystems;
using EveStorage.Host.Operations;

namespace EveStorage.Host.Engine;

/// <summary>
/// Looks at the pools at an interval while the daemon runs, and tells what has changed for the worse or for the better: a drive that
/// failed, a pool that fills. What was waiting for a pool that could not be opened is taken up when it can: it was unlocked, or a
/// drive has come. One timer for all; what it asks is cheap for every backend, and a pool that does not answer keeps no other waiting.
/// </summary>
internal sealed class PoolWatch(
    StorageParts parts, OpenPools pools, OperationRunner runner, FileSystemRestore fileSystems, ExportRestore exports, IEventSink events, TimeProvider time) : DaemonPart
{
    /// <summary>How often it looks: soon enough for a drive, seldom enough to cost nothing.</summary>
    internal static TimeSpan Interval { get; } = TimeSpan.FromSeconds(15);

    private readonly Dictionary<PoolName, WatchedPool> _known = [];
    private readonly Dictionary<PoolName, Task> _looking = [];

    /// <inheritdoc/>
    private protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(Interval, time);
        try
        {
            do
            {
                Look(cancellationToken);
            }
            while (await timer.WaitForNextTickAsync(cancellationToken));
        }
        finally
        {
            await Task.WhenAll(_looking.Values);
        }
    }

    // At every pool that has been made, is not just being made or ended, and has answered the last time.
    private void Look(CancellationToken cancellationToken)
    {
        foreach (PoolName name in parts.PoolNames.Where(name => !runner.IsAtWholePool(name)))
        {
            WatchedPool known = _known.TryGetValue(name, out WatchedPool? there) ? there : _known[name] = new(name);
            if (_looking.GetValueOrDefault(name) is not { IsCompleted: false })
            {
                // A drive that does not answer stops the thread that asks it.
                _looking[name] = Task.Run(() => LookAsync(name, known, cancellationToken), CancellationToken.None);
            }
        }
    }

    private async Task LookAsync(PoolName name, WatchedPool known, CancellationToken cancellationToken)
    {
        try
        {
            if (await pools.TryOpenAsync(name, cancellationToken) is IStoragePool pool)
            {
                if (exports.IsNew(pool))
                {
                    await runner.RecoverAsync(cancellationToken, name);
                    await fileSystems.RestoreAsync(pool, cancellationToken);
                    await exports.RestoreAsync(pool, cancellationToken);
                }

                known.Tell(await pool.GetStatusAsync(cancellationToken), events);
            }
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Busy)
        {
            // Somebody works on it just now: the next look will tell.
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // Whatever it is, such as a pool that was closed or a drive that went meanwhile: it must not end the watch over the others.
            known.TellUnreadable(e as StorageException ?? new StorageException(StorageErrorKind.Io, $"{name}", $"could not be looked at ({e.Message})", e), events);
        }
    }
}
