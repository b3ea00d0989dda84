using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>Who is at the other end of a unix socket, as the kernel knows it.</summary>
/// <param name="ProcessId">The process that connected.</param>
/// <param name="UserId">Its user.</param>
/// <param name="GroupId">Its group.</param>
public sealed record PeerCredentials(int ProcessId, uint UserId, uint GroupId)
{
    /// <summary>The peer of a connected socket. man 7 unix, SO_PEERCRED: struct ucred is three 32-bit numbers.</summary>
    public static PeerCredentials Of(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        Span<byte> credentials = stackalloc byte[12];
        socket.GetRawSocketOption(LibC.SOL_SOCKET, LibC.SO_PEERCRED, credentials);
        return new(
            MemoryMarshal.Read<int>(credentials), MemoryMarshal.Read<uint>(credentials[4..]), MemoryMarshal.Read<uint>(credentials[8..]));
    }
}

/// <summary>Passes one open descriptor over a unix socket, with a few bytes. man 7 unix, SCM_RIGHTS.</summary>
public static unsafe class UnixDescriptors
{
    // CMSG_SPACE of one int: a header of 16 bytes and 4 of data, to a multiple of 8.
    private const int ControlLength = 24;
    private const int HeaderLength = 16;

    // CMSG_LEN of one int: the 4 bytes that round it up would take a second descriptor, which the kernel now closes.
    private const int ReceivedLength = HeaderLength + sizeof(int);

    /// <summary>Makes two sockets that are each other's peer.</summary>
    /// <exception cref="StorageException">The kernel refused.</exception>
    public static (SafeFileHandle Ours, SafeFileHandle Theirs) MakePair()
    {
        int* pair = stackalloc int[2];
        return LibC.socketpair(LibC.AF_UNIX, LibC.SOCK_STREAM | LibC.SOCK_CLOEXEC, 0, pair) == 0
            ? (new(pair[0], ownsHandle: true), new(pair[1], ownsHandle: true))
            : throw Errno.Failure("descriptor", "socketpair");
    }

    /// <summary>Sends <paramref name="message"/> with <paramref name="handle"/>, which stays the caller's.</summary>
    /// <exception cref="StorageException">The peer is gone.</exception>
    public static void Send(Socket socket, ReadOnlySpan<byte> message, SafeFileHandle handle)
    {
        ArgumentNullException.ThrowIfNull(socket);
        Send(socket.SafeHandle, message, handle);
    }

    /// <inheritdoc cref="Send(Socket, ReadOnlySpan{byte}, SafeFileHandle)"/>
    public static void Send(SafeHandle socket, ReadOnlySpan<byte> message, SafeHandle handle)
    {
        byte* control = stackalloc byte[ControlLength];
        new Span<byte>(control, ControlLength).Clear();
        using Descriptor passed = new(handle);
        *(ulong*)control = HeaderLength + sizeof(int);
        *(int*)(control + 8) = LibC.SOL_SOCKET;
        *(int*)(control + 12) = LibC.SCM_RIGHTS;
        *(int*)(control + HeaderLength) = passed;
        fixed (byte* data = message)
        {
            iovec vector = new() { iov_base = data, iov_len = message.Length };
            msghdr header = new() { msg_iov = &vector, msg_iovlen = 1, msg_control = control, msg_controllen = ControlLength };
            using Descriptor connection = new(socket);
            long sent;
            do
            {
                sent = LibC.sendmsg(connection, &header, LibC.MSG_NOSIGNAL);
            }
            while (sent < 0 && LibC.errno == LibC.EINTR);

            if (sent != message.Length)
            {
                throw sent < 0
                    ? Errno.Failure("descriptor", "sendmsg")
                    : new StorageException(StorageErrorKind.Io, "descriptor", $"sendmsg: only {sent} of {message.Length} bytes went");
            }
        }
    }

    /// <summary>Receives a message with a descriptor, waiting for it.</summary>
    /// <param name="socket">A blocking, connected socket.</param>
    /// <param name="message">Takes the message.</param>
    /// <param name="length">How much of it came; 0 when the peer is gone.</param>
    /// <returns>The descriptor, close-on-exec; null when the message had none.</returns>
    /// <exception cref="StorageException">Receiving failed.</exception>
    public static SafeFileHandle? Receive(Socket socket, Span<byte> message, out int length)
    {
        ArgumentNullException.ThrowIfNull(socket);
        return Receive(socket.SafeHandle, message, out length);
    }

    /// <inheritdoc cref="Receive(Socket, Span{byte}, out int)"/>
    public static SafeFileHandle? Receive(SafeHandle socket, Span<byte> message, out int length)
    {
        byte* control = stackalloc byte[ControlLength];
        fixed (byte* data = message)
        {
            iovec vector = new() { iov_base = data, iov_len = message.Length };
            msghdr header = new() { msg_iov = &vector, msg_iovlen = 1, msg_control = control, msg_controllen = ReceivedLength };
            using Descriptor connection = new(socket);
            long received;
            do
            {
                received = LibC.recvmsg(connection, &header, LibC.MSG_CMSG_CLOEXEC);
            }
            while (received < 0 && LibC.errno == LibC.EINTR);

            if (received < 0)
            {
                throw Errno.Failure("descriptor", "recvmsg");
            }

            length = (int)received;
            bool hasOne = header.msg_controllen >= HeaderLength + sizeof(int)
                && *(int*)(control + 8) == LibC.SOL_SOCKET && *(int*)(control + 12) == LibC.SCM_RIGHTS;
            return hasOne ? new(*(int*)(control + HeaderLength), ownsHandle: true) : null;
        }
    }
}
