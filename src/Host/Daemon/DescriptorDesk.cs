using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using EveStorage.Host.Client;
using EveStorage.Linux;
using Microsoft.Extensions.Hosting;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Daemon;

/// <summary>
/// Takes the descriptors that clients hand over, each under the token that its request will name. One is held until its
/// request took it, or the connection that brought it ends.
/// </summary>
internal sealed class DescriptorDesk(PeerRule peers, string path) : BackgroundService
{
    private const int MaxHeld = 64;

    private readonly ConcurrentDictionary<string, SafeFileHandle> _held = new();

    /// <summary>The descriptor of a token, which is then the caller's.</summary>
    /// <exception cref="StorageException">There is none.</exception>
    internal SafeFileHandle Take(string token)
        => _held.TryRemove(token, out SafeFileHandle? handle)
            ? handle
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, "image", "was not handed over: pass its descriptor first");

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        File.Delete(path);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        peers.Protect(path);
        listener.Listen();
        List<Task> serving = [];
        try
        {
            while (true)
            {
                Socket client = await listener.AcceptAsync(stoppingToken);
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

    private async Task HoldAsync(Socket client, CancellationToken stoppingToken)
    {
        using Socket socket = client;
        string? token = null;
        try
        {
            if (!peers.Allows(PeerCredentials.Of(socket)) || _held.Count >= MaxHeld)
            {
                return;
            }

            // Wait until something is there, so that receiving with a descriptor does not block a thread on a silent peer.
            await socket.ReceiveAsync(Memory<byte>.Empty, stoppingToken);
            byte[] message = new byte[DescriptorPath.TokenLength];
            if (UnixDescriptors.Receive(socket, message, out int length) is not SafeFileHandle handle)
            {
                return;
            }

            token = Encoding.ASCII.GetString(message, 0, length);
            if (length != DescriptorPath.TokenLength || !_held.TryAdd(token, handle))
            {
                handle.Dispose();
                return;
            }

            await socket.SendAsync(new byte[] { 1 }, stoppingToken);
            await socket.ReceiveAsync(message, stoppingToken);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or StorageException)
        {
            // the client went away, or we do: what it left is let go of below
        }
        finally
        {
            if (token is not null && _held.TryRemove(token, out SafeFileHandle? left))
            {
                left.Dispose();
            }
        }
    }
}
