using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using EveStorage.Cli.Client;
using EveStorage.Linux;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Daemon;

/// <summary>
/// Takes the descriptors that clients hand over, each under the token that its request will name. One is held until its
/// request took it, or the connection that brought it ends.
/// </summary>
internal sealed partial class DescriptorDesk(PeerRule peers, string path, ILogger<DescriptorDesk> logger) : BackgroundService
{
    private const int MaxHeld = 64;
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, SafeFileHandle> _held = new();
    private readonly SemaphoreSlim _places = new(MaxHeld, MaxHeld);
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    /// <summary>How long a client that connected may say nothing.</summary>
    internal TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The descriptor of a token, which is then the caller's.</summary>
    /// <exception cref="StorageException">There is none.</exception>
    internal SafeFileHandle Take(string token)
        => _held.TryRemove(token, out SafeFileHandle? handle)
            ? handle
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, "image", "was not handed over: pass its descriptor first");

    /// <summary>Listens from here on: one that can't fails the start of the daemon.</summary>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        File.Delete(path);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        peers.Protect(path);
        _listener.Listen();
        return base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _listener.Dispose();
        _places.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        List<Task> serving = [];
        try
        {
            while (true)
            {
                // Those beyond the places wait in the listener's queue, and take no descriptor of ours.
                await _places.WaitAsync(stoppingToken);
                Socket client = await AcceptAsync(stoppingToken);
                serving.RemoveAll(task => task.IsCompleted);
                serving.Add(HoldAsync(client, stoppingToken));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(serving);
            File.Delete(path);
        }
    }

    // A process out of descriptors or a client that left at once is no reason to end: it passes.
    private async Task<Socket> AcceptAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                return await _listener.AcceptAsync(stoppingToken);
            }
            catch (SocketException e)
            {
                LogNotAccepted(e.Message);
                await Task.Delay(s_pause, stoppingToken);
            }
        }
    }

    private async Task HoldAsync(Socket client, CancellationToken stoppingToken)
    {
        using Socket socket = client;
        string? token = null;
        try
        {
            token = await ReceiveAsync(socket, stoppingToken);
            if (token is not null)
            {
                await socket.SendAsync(new byte[] { 1 }, stoppingToken);
                await socket.ReceiveAsync(new byte[1], stoppingToken);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or StorageException)
        {
            // the client went away or said nothing, or we go: what it left is let go of below
        }
        finally
        {
            if (token is not null && _held.TryRemove(token, out SafeFileHandle? left))
            {
                left.Dispose();
            }

            _places.Release();
        }
    }

    /// <summary>Takes a descriptor with its token.</summary>
    /// <returns>The token it is held under; null when nothing is held.</returns>
    private async Task<string?> ReceiveAsync(Socket socket, CancellationToken stoppingToken)
    {
        if (!peers.Allows(PeerCredentials.Of(socket)))
        {
            return null;
        }

        // Wait until something is there, so that receiving with a descriptor does not block a thread on a silent peer.
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        patience.CancelAfter(Patience);
        await socket.ReceiveAsync(Memory<byte>.Empty, patience.Token);
        byte[] message = new byte[DescriptorPath.TokenLength];
        if (UnixDescriptors.Receive(socket, message, out int length) is not SafeFileHandle handle)
        {
            return null;
        }

        string token = Encoding.ASCII.GetString(message, 0, length);
        if (length == DescriptorPath.TokenLength && _held.TryAdd(token, handle))
        {
            return token;
        }

        handle.Dispose();
        return null;
    }

    [LoggerMessage(120, LogLevel.Warning, "no image can be taken at the moment: {Reason}")]
    private partial void LogNotAccepted(string reason);
}
