using System.Text;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Worker;

/// <summary>What a worker is told: a request, and after it at most an order to import what it has looked at. At their end its host is gone.</summary>
internal sealed class WorkerOrders : IDisposable
{
    // Behind the standard streams.
    private const int SocketNumber = 3;

    private readonly SafeFileHandle _socket = new(SocketNumber, ownsHandle: true);
    private readonly CancellationTokenSource _orphaned = new();
    private readonly StreamReader _lines;
    private Task<string?> _next;

    internal WorkerOrders(Stream input)
    {
        _lines = new(input);
        _next = ReadAsync();
    }

    /// <summary>Ends when the host is gone.</summary>
    internal CancellationToken Orphaned => _orphaned.Token;

    /// <summary>The request; null when none comes, since nobody needs this worker.</summary>
    internal async Task<WorkerRequest?> RequestAsync()
    {
        if (await _next is not string line)
        {
            return null;
        }

        _next = ReadAsync();
        return WorkerJson.ReadRequest(Encoding.UTF8.GetBytes(line));
    }

    /// <summary>Waits for the order.</summary>
    internal async Task<ImportOrder> OrderAsync()
    {
        string line = await _next ?? throw new OperationCanceledException(Orphaned);
        _next = ReadAsync();
        return WorkerJson.ReadOrder(Encoding.UTF8.GetBytes(line));
    }

    /// <summary>Takes the next descriptor that was handed over.</summary>
    internal SafeFileHandle Take()
        => UnixDescriptors.Receive(_socket, new byte[1], out _) ?? throw new InvalidOperationException("A descriptor is missing.");

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket.Dispose();
        _lines.Dispose();
        _orphaned.Dispose();
    }

    // A thread waits for it, as one does for all that a console stream reads.
    private Task<string?> ReadAsync() => Task.Factory.StartNew(
        () =>
        {
            string? line = _lines.ReadLine();
            if (line is null)
            {
                _orphaned.Cancel();
            }

            return line;
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);
}
