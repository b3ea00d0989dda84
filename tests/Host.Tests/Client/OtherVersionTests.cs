using System.Net.Sockets;
using System.Text;

namespace EveStorage.Tests;

public sealed class OtherVersionTests
{
    [Fact]
    public async Task A_daemon_of_another_version_is_told_on_standard_error()
    {
        using CommandLineHost host = new();
        Directory.CreateDirectory(host["run"]);
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(host.Socket));
        listener.Listen();
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        Task serving = AnswerAsync(listener, stop.Token);

        Ended ended = await host.DoAsync("operation", "list");

        ended.Error.ShouldContain("9.9.9");
        ended.Error.ShouldContain("restart the daemon");
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(serving);
    }

    // As a later daemon would: it knows the same addresses.
    private static async Task AnswerAsync(Socket listener, CancellationToken cancellationToken)
    {
        while (true)
        {
            using Socket client = await listener.AcceptAsync(cancellationToken);
            await using NetworkStream stream = new(client);
            using StreamReader reader = new(stream);
            while (await reader.ReadLineAsync(cancellationToken) is string request)
            {
                while (await reader.ReadLineAsync(cancellationToken) is { Length: > 0 })
                {
                    // the headers say nothing that matters here
                }

                string body = request.Contains("/v1/host", StringComparison.Ordinal)
                    ? """{"version":"9.9.9","profile":"test","daemon":true,"processId":1}"""
                    : "[]";
                await stream.WriteAsync(
                    Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"), cancellationToken);
            }
        }
    }
}
