using System.Text.Json;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Worker;

/// <summary>What a worker is told after its request: at most an order to import what it has looked at. At their end its host is gone.</summary>
internal sealed class WorkerOrders
{
    private readonly TaskCompletionSource<string> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _reading;

    internal WorkerOrders(StreamReader lines, CancellationTokenSource orphaned) => _reading = ReadAsync(lines, orphaned);

    /// <summary>Whether its host is gone.</summary>
    internal bool HasEnded => _reading.IsCompleted;

    /// <summary>Waits for the order, and for the volume and the spool, which come through <paramref name="socket"/>.</summary>
    internal async Task<(ImportOrder Order, SafeFileHandle Volume, SafeFileHandle? Spool)> NextAsync(SafeFileHandle socket, CancellationToken cancellationToken)
    {
        using SafeFileHandle open = socket;
        string line = await _first.Task.WaitAsync(cancellationToken);
        ImportOrder order = JsonSerializer.Deserialize(line, WorkerJson.Default.ImportOrder) ?? throw new InvalidOperationException("An order is one line.");
        return (order, Receive(open), order.SpoolSize is null ? null : Receive(open));
    }

    private static SafeFileHandle Receive(SafeFileHandle socket)
        => UnixDescriptors.Receive(socket, new byte[1], out _) ?? throw new InvalidOperationException("A volume comes with an order.");

    private async Task ReadAsync(StreamReader lines, CancellationTokenSource orphaned)
    {
        while (await lines.ReadLineAsync() is string line)
        {
            _first.TrySetResult(line);
        }

        await orphaned.CancelAsync();
    }
}
