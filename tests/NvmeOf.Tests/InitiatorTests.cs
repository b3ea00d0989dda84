using System.Net;
using System.Net.Sockets;
using EveStorage.NvmeOf;

namespace EveStorage.Tests;

/// <summary>The initiator against targets that are none. What it does with a real one is tested with ours, and in the lab.</summary>
public sealed class InitiatorTests
{
    private static readonly NvmeTcpOptions s_options = new()
    {
        Subsystem = new("nqn.2026-01.org.evestorage:test"),
        Host = new("nqn.2014-08.org.nvmexpress:uuid:11111111-1111-1111-1111-111111111111"),
        HostId = new("33333333-3333-3333-3333-333333333333"),
        Timeout = TimeSpan.FromSeconds(1),
    };

    [Fact]
    public async Task Nobody_there_is_unavailable()
    {
        using TcpListener free = new(IPAddress.Loopback, 0);
        free.Start();
        int port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();

        StorageException e = await Should.ThrowAsync<StorageException>(() => NvmeTcpInitiator.ConnectAsync(s_options with { Port = port }, CancellationToken.None));

        e.Kind.ShouldBe(StorageErrorKind.Unavailable);
        e.Subject.ShouldBe($"{s_options.Subsystem} at 127.0.0.1:{port}");
    }

    [Fact]
    public Task A_target_that_says_nothing_is_given_up_in_time() => ShouldFailAsync([], StorageErrorKind.Unavailable);

    [Fact]
    public Task A_target_that_answers_with_something_else_is_not_supported() => ShouldFailAsync(new byte[128], StorageErrorKind.NotSupported);

    [Fact]
    public Task A_target_that_agrees_to_other_digests_is_not_supported()
    {
        byte[] answer = new byte[128];
        new InitializeConnection(0, 0, PduDigests.Header, 131072).Write(answer, PduType.InitializeResponse);
        return ShouldFailAsync(answer, StorageErrorKind.NotSupported);
    }

    [Fact]
    public Task Why_a_target_ends_the_connection_is_told()
    {
        byte[] answer = new byte[128 + 24];
        new InitializeConnection(0, 0, PduDigests.None, 131072).Write(answer, PduType.InitializeResponse);
        new Termination(TerminationReason.UnsupportedParameter, 12).Write(answer.AsSpan(128), PduType.ControllerTermination, []);
        return ShouldFailAsync(answer, StorageErrorKind.Corrupt, "UnsupportedParameter");
    }

    [Fact]
    public Task A_target_that_never_answers_the_connect_is_given_up_in_time()
    {
        byte[] answer = new byte[128];
        new InitializeConnection(0, 0, PduDigests.None, 131072).Write(answer, PduType.InitializeResponse);
        return ShouldFailAsync(answer, StorageErrorKind.Unavailable);
    }

    [Fact]
    public Task An_answer_to_a_command_that_is_not_on_its_way_ends_the_connection()
    {
        byte[] answer = new byte[128 + 24];
        new InitializeConnection(0, 0, PduDigests.None, 131072).Write(answer, PduType.InitializeResponse);
        new PduHeader(PduType.Response, PduBits.None, 24, 0, 24).Write(answer.AsSpan(128));
        new CompletionEntry(0, 0, 500, NvmeStatus.Success).Write(answer.AsSpan(136));
        return ShouldFailAsync(answer, StorageErrorKind.Corrupt, "500");
    }

    [Theory]
    [InlineData(0, 24 + 4096)]
    [InlineData(23, 24 + 4096)]
    [InlineData(255, 24 + 4096)]
    [InlineData(255, 255 + 4096)]
    [InlineData(24, 25)]
    public Task Data_that_lies_nowhere_in_its_PDU_or_that_nobody_asked_for_ends_the_connection(byte offset, int length)
    {
        byte[] answer = new byte[128 + 24 + 512];
        new InitializeConnection(0, 0, PduDigests.None, 131072).Write(answer, PduType.InitializeResponse);
        new PduHeader(PduType.ControllerData, PduBits.Last, 24, offset, (uint)length).Write(answer.AsSpan(128));
        new TransferHeader(0, 0, 0, 4096).Write(answer.AsSpan(128));
        return ShouldFailAsync(answer, StorageErrorKind.Corrupt);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1025)]
    [InlineData(512, 512)]
    [InlineData(0xFFFFFFFF, 512)]
    public Task Data_asked_for_that_the_command_has_not_ends_the_connection(uint offset, uint length)
    {
        byte[] answer = new byte[128 + 24];
        new InitializeConnection(0, 0, PduDigests.None, 131072).Write(answer, PduType.InitializeResponse);
        new PduHeader(PduType.ReadyToTransfer, PduBits.None, 24, 0, 24).Write(answer.AsSpan(128));
        new TransferHeader(35, 0, offset, length).Write(answer.AsSpan(128));
        return ShouldFailAsync(answer, StorageErrorKind.Corrupt, "asked for data");
    }

    [Fact]
    public void What_a_controller_says_of_itself_is_bounded_whatever_it_is()
    {
        byte[] identity = new byte[ControllerIdentity.Size];
        identity.AsSpan().Fill(0xFF);

        ControllerIdentity read = ControllerIdentity.Read(identity);

        read.MaxTransfer.ShouldBe(0);
        read.InCapsuleData.ShouldBe(int.MaxValue);
        Should.Throw<StorageException>(() => NamespaceIdentity.Read(identity)).Kind.ShouldBe(StorageErrorKind.Corrupt);
        Should.Throw<StorageException>(() => DiscoveryEntry.Read(identity)).Kind.ShouldBe(StorageErrorKind.Corrupt);
        for (int shift = 0; shift < 256; shift++)
        {
            identity[77] = (byte)shift;
            ControllerIdentity.Read(identity).MaxTransfer.ShouldBeGreaterThanOrEqualTo(0);
        }
    }

    [Fact]
    public async Task Whatever_byte_of_a_targets_first_answers_is_changed_the_connect_ends_in_an_error_that_is_told()
    {
        byte[] good = new byte[128 + 24];
        new InitializeConnection(0, 0, PduDigests.None, 131072).Write(good, PduType.InitializeResponse);
        new PduHeader(PduType.Response, PduBits.None, 24, 0, 24).Write(good.AsSpan(128));
        new CompletionEntry(0, 0, 500, NvmeStatus.Success).Write(good.AsSpan(136));
        for (int at = 128; at < good.Length; at++)
        {
            byte[] changed = [.. good];
            changed[at] ^= 0xFF;
            using TcpListener target = new(IPAddress.Loopback, 0);
            target.Start();
            NvmeTcpOptions options = s_options with { Port = ((IPEndPoint)target.LocalEndpoint).Port };
            Task<NvmeTcpInitiator> connecting = NvmeTcpInitiator.ConnectAsync(options, CancellationToken.None);
            using Socket host = await target.AcceptSocketAsync();
            await AnswerAsync(host, changed);
            host.Shutdown(SocketShutdown.Send);

            await Should.ThrowAsync<StorageException>(() => connecting.WaitAsync(TimeSpan.FromSeconds(10)));
        }
    }

    // What follows the ICResp comes once the Connect, command 35 of 36 places, is on its way.
    private static async Task AnswerAsync(Socket host, byte[] answer)
    {
        int first = Math.Min(answer.Length, PduHeader.InitializeSize);
        await host.SendAsync(answer.AsMemory(0, first));
        if (answer.Length > first)
        {
            byte[] asked = new byte[PduHeader.InitializeSize + PduHeader.CommandSize + ConnectData.Size];
            for (int count = 0; count < asked.Length;)
            {
                count += await host.ReceiveAsync(asked.AsMemory(count));
            }

            await host.SendAsync(answer.AsMemory(first));
        }
    }

    private static async Task ShouldFailAsync(byte[] answer, StorageErrorKind kind, string because = "")
    {
        using TcpListener target = new(IPAddress.Loopback, 0);
        target.Start();
        NvmeTcpOptions options = s_options with { Port = ((IPEndPoint)target.LocalEndpoint).Port };
        Task<NvmeTcpInitiator> connecting = NvmeTcpInitiator.ConnectAsync(options, CancellationToken.None);
        using Socket host = await target.AcceptSocketAsync();
        await AnswerAsync(host, answer);

        StorageException e = await Should.ThrowAsync<StorageException>(() => connecting.WaitAsync(TimeSpan.FromSeconds(10)));

        e.Kind.ShouldBe(kind);
        e.Message.ShouldContain(because);
    }
}
