using System.IO.Pipes;
using System.Net.Http;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Urls;

/// <summary>An image at a URL whose server answers no ranges, or can't tell one state of it from another: it comes once, through a pipe.</summary>
internal sealed class UrlStream : IAsyncDisposable
{
    private const int Step = 1 << 18;

    private readonly UrlClient _client;
    private readonly HttpResponseMessage _response;
    private readonly UrlOrder _order;
    private readonly AnonymousPipeServerStream _pipe = new(PipeDirection.Out);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _passing;

    /// <summary>Begins to pass an answer on.</summary>
    internal UrlStream(UrlClient client, HttpResponseMessage response, UrlOrder order)
    {
        _client = client;
        _response = response;
        _order = order;

        // The pipe's own handle, which goes with it.
        Reader = new(_pipe.ClientSafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        _passing = PassAsync();
    }

    /// <summary>What it is called.</summary>
    internal string Name => _order.Name;

    /// <summary>The reading end.</summary>
    internal SafeFileHandle Reader { get; }

    /// <summary>Why it ended before its end; null when it did not. To who reads, the pipe looks the same.</summary>
    internal StorageException? Failure { get; private set; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _pipe.DisposeLocalCopyOfClientHandle();   // nobody reads any more, and who waits to write has to learn it
        await _passing;
        _stop.Dispose();
        _response.Dispose();
        _client.Dispose();
    }

    private async Task PassAsync()
    {
        await Task.Yield();
        byte[] buffer = new byte[Step];
        try
        {
            await using Stream body = await _response.Content.ReadAsStreamAsync(_stop.Token);
            while (await ReadAsync(body, buffer) is int read and > 0)
            {
                await WriteAsync(buffer.AsMemory(0, read));
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            Failure = new(StorageErrorKind.Unavailable, Name, $"ended before its end: {UrlTrouble.Of(e)}; its server answers no ranges, so that it has to be fetched from the start: run it again", e);
        }
        catch (OperationCanceledException)
        {
            Failure = _stop.IsCancellationRequested ? null : new(
                StorageErrorKind.Unavailable, Name, $"stopped coming: its server sent nothing for {_order.Limits.Stall.TotalSeconds:0.#} s, and answers no ranges, so that it has to be fetched from the start: run it again");
        }
        finally
        {
            await _pipe.DisposeAsync();
        }
    }

    private async ValueTask<int> ReadAsync(Stream body, byte[] buffer)
    {
        using UrlStall stall = new(_order.Limits.Stall, _order.Time, _stop.Token);
        return await body.ReadAsync(buffer, stall.Token);
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await _pipe.WriteAsync(bytes, _stop.Token);
        }
        catch (IOException)
        {
            await _stop.CancelAsync();   // who read it has all that is wanted: that is no failure
            throw new OperationCanceledException(_stop.Token);
        }
    }
}
