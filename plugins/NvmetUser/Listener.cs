using System.Net;
using System.Net.Sockets;

namespace EveStorage.NvmetUser;

/// <summary>Accepts connections, as many as the limits allow. One too many is closed at once and hurts no other.</summary>
internal sealed class Listener : IAsyncDisposable
{
    private readonly Target _target;
    private readonly Socket _socket;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _accepting;

    /// <summary>Listens.</summary>
    /// <exception cref="StorageException">The address is taken, not of this machine, or not ours to take.</exception>
    internal Listener(Target target)
    {
        _target = target;
        IPEndPoint wanted = new(IPAddress.Parse(target.Options.Address), target.Options.Port);
        _socket = new(wanted.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // Binding sets SO_REUSEADDR by itself, so that a restart need not wait for old connections. Asking .NET for ReuseAddress
            // would set SO_REUSEPORT too, and then anybody could listen beside us.
            _socket.Bind(wanted);
            _socket.Listen(128);
        }
        catch (SocketException e)
        {
            _socket.Dispose();
            StorageErrorKind kind = e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => StorageErrorKind.Busy,
                SocketError.AccessDenied => StorageErrorKind.Unavailable,
                _ => StorageErrorKind.InvalidConfiguration,
            };
            throw new StorageException(kind, $"{wanted}", $"can't listen there ({e.Message}); take another Address or Port, or Port 0", e);
        }

        Address = (IPEndPoint)_socket.LocalEndPoint!;
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    internal IPEndPoint Address { get; }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _accepting;
        _socket.Dispose();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                _target.Add(await _socket.AcceptAsync(_end.Token));
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e) when (e is SocketException or OutOfMemoryException)
            {
                // The host was gone before it was accepted, or there are no descriptors or no memory now: others are served meanwhile.
                await Task.Delay(TimeSpan.FromMilliseconds(100), _target.Time, CancellationToken.None);
            }
        }
    }
}
