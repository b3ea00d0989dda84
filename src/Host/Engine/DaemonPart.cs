namespace EveStorage.Host.Engine;

/// <summary>What goes on by itself while the daemon runs, until it is disposed.</summary>
internal abstract class DaemonPart : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task? _running;
    private bool _ended;

    /// <summary>Starts it, once.</summary>
    internal void Start() => _running ??= UntilToldAsync();

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

    /// <summary>Runs until it is told to stop.</summary>
    private protected abstract Task RunAsync(CancellationToken cancellationToken);

    private async Task UntilToldAsync()
    {
        await Task.Yield();   // whoever starts it waits for nothing of it
        try
        {
            await RunAsync(_stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // told to stop
        }
    }
}
