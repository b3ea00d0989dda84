using System.Text.Json;
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
        WorkerRequest? request = JsonSerializer.Deserialize(await _next ?? "null", WorkerJson.Default.WorkerRequest);
        _next = request is null ? _next : ReadAsync();
        return request;
    }

    /// <summary>Waits for the order.</summary>
    internal async Task<ImportOrder> OrderAsync()
    {
        string line = await _next ?? throw new OperationCanceledException(Orphaned);
        _next = ReadAsync();
        return JsonSerializer.Deserialize(line, WorkerJson.Default.ImportOrder) ?? throw new InvalidOperationException("An order is one line.");
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

    private async Task<string?> ReadAsync()
    {
        string? line = await _lines.ReadLineAsync();
        if (line is null)
        {
            await _orphaned.CancelAsync();
        }

        return line;
    }
}
