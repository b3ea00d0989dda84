using EveStorage.Host.Operations;

namespace EveStorage.Host.Engine;

/// <summary>While the daemon runs: goes on with imports from URLs that were cut short, and removes what was kept long enough. Where nothing is kept, nothing runs.</summary>
internal sealed class KeptImports(OperationRunner runner, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource _stop = new();
    private Task? _running;
    private bool _ended;

    /// <summary>Starts, without waiting for a server.</summary>
    internal void Start() => _running ??= RunAsync(_stop.Token);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_ended)
        {
            return;   // the engine ends it first, then the container of all its parts
        }

        _ended = true;
        await _stop.CancelAsync();
        if (_running is not null)
        {
            await _running;
        }

        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        using PeriodicTimer timer = new(s_interval, time);
        try
        {
            while (await runner.GoOnAsync(cancellationToken) && await timer.WaitForNextTickAsync(cancellationToken))
            {
            }
        }
        catch (OperationCanceledException)
        {
            // told to stop
        }
    }
}
