using System.Net.Sockets;
using EveStorage.Linux;
using EveStorage.Testing;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Tests;

public sealed class UnixSocketTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly Socket _sender = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Socket _receiver;

    public UnixSocketTests()
    {
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(_directory["socket"]));
        listener.Listen();
        _sender.Connect(listener.LocalEndPoint!);
        _receiver = listener.Accept();
    }

    [Fact]
    public void A_descriptor_arrives_with_its_bytes_and_opens_the_same_file()
    {
        using SafeFileHandle file = Open("content");

        UnixDescriptors.Send(_sender, "token"u8, file);
        byte[] buffer = new byte[64];
        using SafeFileHandle? copy = UnixDescriptors.Receive(_receiver, buffer, out int length);

        buffer[..length].ShouldBe("token"u8.ToArray());
        RandomAccess.GetLength(copy.ShouldNotBeNull()).ShouldBe("content".Length);
        File.ReadAllText($"/proc/self/fdinfo/{copy.DangerousGetHandle()}").ShouldContain("flags:\t02", Case.Sensitive, "close-on-exec");
    }

    [Fact]
    public void Of_two_descriptors_only_the_one_that_is_asked_for_stays_open()
    {
        using SafeFileHandle file = Open("content");
        SendTwo(_sender, file);
        int before = CountOpen();

        UnixDescriptors.Receive(_receiver, new byte[8], out int length).ShouldNotBeNull().Dispose();

        length.ShouldBe(1);
        CountOpen().ShouldBe(before);

        int CountOpen() => new DirectoryInfo("/proc/self/fd").EnumerateFileSystemInfos().Count(entry => entry.LinkTarget == _directory["file"]);
    }

    [Fact]
    public void A_message_without_a_descriptor_brings_none()
    {
        _sender.Send("x"u8);

        UnixDescriptors.Receive(_receiver, new byte[8], out int length).ShouldBeNull();
        length.ShouldBe(1);
    }

    [Fact]
    public void The_end_of_the_peer_is_a_message_of_no_bytes()
    {
        _sender.Dispose();

        UnixDescriptors.Receive(_receiver, new byte[8], out int length).ShouldBeNull();
        length.ShouldBe(0);
    }

    [Fact]
    public void Sending_to_a_peer_that_is_gone_fails_and_kills_nobody()
    {
        _receiver.Dispose();

        using SafeFileHandle file = Open("content");

        Should.Throw<StorageException>(() => UnixDescriptors.Send(_sender, "x"u8, file)).Kind.ShouldBe(StorageErrorKind.Io);
    }

    [Fact]
    public void The_peer_is_who_connected()
    {
        PeerCredentials peer = PeerCredentials.Of(_receiver);

        peer.ProcessId.ShouldBe(Environment.ProcessId);
        $"{peer.UserId}".ShouldBe(File.ReadLines("/proc/self/status").Single(l => l.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[2]);
    }

    public void Dispose()
    {
        _sender.Dispose();
        _receiver.Dispose();
        _directory.Dispose();
    }

    // man 3 cmsg: a header of 16 bytes, and two descriptors.
    private static unsafe void SendTwo(Socket socket, SafeFileHandle handle)
    {
        byte* control = stackalloc byte[24];
        *(ulong*)control = 24;
        *(int*)(control + 8) = LibC.SOL_SOCKET;
        *(int*)(control + 12) = LibC.SCM_RIGHTS;
        *(int*)(control + 16) = *(int*)(control + 20) = (int)handle.DangerousGetHandle();
        byte data = (byte)'x';
        iovec vector = new() { iov_base = &data, iov_len = 1 };
        msghdr header = new() { msg_iov = &vector, msg_iovlen = 1, msg_control = control, msg_controllen = 24 };
        ((long)LibC.sendmsg((int)socket.Handle, &header, 0)).ShouldBe(1);
    }

    private SafeFileHandle Open(string content)
    {
        File.WriteAllText(_directory["file"], content);
        return File.OpenHandle(_directory["file"]);
    }
}
