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

    private static async Task ShouldFailAsync(byte[] answer, StorageErrorKind kind, string because = "")
    {
        using TcpListener target = new(IPAddress.Loopback, 0);
        target.Start();
        NvmeTcpOptions options = s_options with { Port = ((IPEndPoint)target.LocalEndpoint).Port };
        Task<NvmeTcpInitiator> connecting = NvmeTcpInitiator.ConnectAsync(options, CancellationToken.None);
        using Socket host = await target.AcceptSocketAsync();
        await host.SendAsync(answer);

        StorageException e = await Should.ThrowAsync<StorageException>(() => connecting.WaitAsync(TimeSpan.FromSeconds(10)));

        e.Kind.ShouldBe(kind);
        e.Message.ShouldContain(because);
    }
}
