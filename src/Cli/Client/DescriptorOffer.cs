using System.Net.Sockets;
using System.Text;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Cli.Client;

/// <summary>Where descriptors are handed over, and how a request names one.</summary>
internal static class DescriptorPath
{
    /// <summary>The header that names the descriptor of a request.</summary>
    internal const string Header = "Evestorage-Descriptor";

    /// <summary>The bytes of a token, as hexadecimal digits.</summary>
    internal const int TokenLength = 32;

    /// <summary>The socket beside the API's.</summary>
    internal static string Of(string apiSocket) => Path.Combine(Path.GetDirectoryName(apiSocket)!, "descriptors.sock");
}

/// <summary>A descriptor that the daemon holds for one request: from when it has it until this is disposed.</summary>
internal sealed class DescriptorOffer : IDisposable
{
    private readonly Socket _socket;

    private DescriptorOffer(Socket socket, string token)
    {
        _socket = socket;
        Token = token;
    }

    /// <summary>How the request names it.</summary>
    internal string Token { get; }

    /// <summary>Hands a descriptor over, and waits until the daemon has it.</summary>
    /// <exception cref="StorageException">The daemon took none.</exception>
    internal static async Task<DescriptorOffer> SendAsync(string path, SafeFileHandle handle, CancellationToken cancellationToken)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            string token = Guid.NewGuid().ToString("N");   // 122 bits of the kernel's: RandomNumberGenerator would load OpenSSL for them
            UnixDescriptors.Send(socket, Encoding.ASCII.GetBytes(token), handle);
            byte[] taken = new byte[1];
            return await socket.ReceiveAsync(taken, cancellationToken) == 1
                ? new(socket, token)
                : throw new StorageException(StorageErrorKind.Unavailable, "daemon", "took no image: it holds too many, try again");
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new StorageException(StorageErrorKind.Unavailable, "daemon", "takes no images: see its log, and start it again", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
