using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>Removes the bytes of what is gone by name, one after the other, so that nobody waits for it. What can't be removed is tried at the next start.</summary>
internal sealed partial class LayerRemoval : IAsyncDisposable
{
    private readonly Channel<string> _left = Channel.CreateUnbounded<string>();
    private readonly CancellationTokenSource _stop = new();
    private readonly ILogger _logger;
    private readonly Task _running;
    private int _pending;

    internal LayerRemoval(ILogger logger)
    {
        _logger = logger;
        _running = RunAsync();
    }

    /// <summary>How many wait.</summary>
    internal int Pending => Volatile.Read(ref _pending);

    /// <summary>Adds one.</summary>
    internal void Add(string directory)
    {
        Interlocked.Increment(ref _pending);
        _left.Writer.TryWrite(directory);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _left.Writer.TryComplete();
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        try
        {
            await foreach (string directory in _left.Reader.ReadAllAsync(_stop.Token))
            {
                try
                {
                    LayerDirectory.Remove(directory);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    LogLeft(directory, e.Message);
                }

                Interlocked.Decrement(ref _pending);
            }
        }
        catch (OperationCanceledException)
        {
            // the next start goes on
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "{Directory} could not be removed, and is tried at the next start: {Reason}")]
    private partial void LogLeft(string directory, string reason);
}
