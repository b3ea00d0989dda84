using System.Net.Sockets;
using System.Text;
using EveStorage.Cli.Api;
using EveStorage.Cli.Client;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>What a person is told who typed something wrong, or whose machine is otherwise than it should be.</summary>
public sealed class MessageTests
{
    [Theory]
    [InlineData("add", "--iops", "abc", "'abc' is not a number")]
    [InlineData("add", "--iops", "-1", "'-1' is not a number")]
    [InlineData("add", "--nsid", "0", "'0' is not a number from 1")]
    [InlineData("add", "--bandwidth", "fast", "'fast' is not a size")]
    [InlineData("set", "--iops", "-1", "'-1' is not a number")]
    [InlineData("set", "--bandwidth", "fast", "'fast' is not a size")]
    public async Task A_number_that_is_none_is_told_with_what_would_be_one(string verb, string option, string value, string sentence)
    {
        using CommandLineHost host = new();

        Ended refused = await host.RunAsync(["export", verb, "data/vm1", .. verb == "add" ? ["--host", CommandLineHost.HostNqn] : Array.Empty<string>(), option, value]);

        refused.Code.ShouldBe(2);
        refused.Error.ShouldContain(sentence);
    }

    [Fact]
    public async Task A_host_whose_UUID_is_none_is_refused_since_nobody_could_connect_by_it()
    {
        using CommandLineHost host = new();

        Ended refused = await host.RunAsync("export", "add", "data/vm1", "--host", "nqn.2014-08.org.nvmexpress:uuid:00000000-0000-0000-0000-00000000001");

        refused.Code.ShouldBe(2);
        refused.Error.ShouldContain("is no UUID");
    }

    [Fact]
    public async Task An_answer_that_can_not_be_written_is_told_with_the_exit_code_of_what_is_in_its_way()
    {
        using CommandLineHost host = new();

        Ended full = await CommandLineHost.RunProgramAsync("sh", ["-c", "exec \"$0\" pool list --profile \"$1\" > /dev/full", CommandLineHost.Program, host.Profile]);

        full.Code.ShouldBe(8, full.Error);
        full.Error.ShouldStartWith("evestorage: output: can't be written");
    }

    [Fact]
    public async Task A_snapshot_that_is_not_there_is_told_before_anybody_is_asked_whether_to_lose_data()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");
        await host.DoAsync("volume", "create", "vm1", "64MiB");

        Ended refused = await host.RunAsync("volume", "rollback", "vm1@nope");

        refused.Code.ShouldBe(5, refused.Error);
        refused.Error.ShouldNotContain("--yes");
    }

    [Fact]
    public async Task A_backend_without_a_place_to_be_checked_in_names_the_option_for_it()
    {
        using CommandLineHost host = new();

        Ended refused = await host.RunAsync("plugin", "check", "eve.file");

        refused.Code.ShouldBe(2, refused.Output);
        refused.Error.ShouldContain("with --device");
    }

    [Fact]
    public async Task An_address_that_is_none_is_answered_as_every_error_is()
    {
        using CommandLineHost host = new();
        await host.ServeAsync();

        (await host.CurlAsync("/v1/nothing")).Json.GetProperty("kind").GetString().ShouldBe("not-found");
        (await host.CurlAsync("/v1/host", "--request", "DELETE")).Json.GetProperty("status").GetInt32().ShouldBe(405);
        (await host.CurlAsync("/v1/pools/", "--fail")).Code.ShouldBe(0, "an address that ends with a slash is the same");
    }

    [Fact]
    public async Task A_daemon_that_hangs_is_told_after_a_time()
    {
        using TemporaryDirectory directory = new();
        using Socket listener = Listen(directory["api.sock"]);
        await using RemoteApi api = (await RemoteApi.TryConnectAsync(directory["api.sock"], TestContext.Current.CancellationToken))!;
        api.Patience = TimeSpan.FromMilliseconds(50);

        StorageException hangs = await Should.ThrowAsync<StorageException>(() => api.GetHostAsync(TestContext.Current.CancellationToken));

        hangs.Kind.ShouldBe(StorageErrorKind.Unavailable);
        hangs.Message.ShouldContain("has answered nothing");
    }

    [Theory]
    [InlineData("220 another service\r\n", "speaks no HTTP")]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "is what listens on the socket that Api:Socket or Run names another program?")]
    public async Task What_is_no_daemon_of_ours_is_told_so(string answer, string sentence)
    {
        using TemporaryDirectory directory = new();
        using Socket listener = Listen(directory["api.sock"]);
        await using RemoteApi api = (await RemoteApi.TryConnectAsync(directory["api.sock"], TestContext.Current.CancellationToken))!;
        using Socket probe = await listener.AcceptAsync(TestContext.Current.CancellationToken);

        Task<HostReport> asking = api.GetHostAsync(TestContext.Current.CancellationToken);
        using Socket asked = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        await asked.ReceiveAsync(new byte[1 << 12], TestContext.Current.CancellationToken);
        await asked.SendAsync(Encoding.ASCII.GetBytes(answer), TestContext.Current.CancellationToken);

        (await Should.ThrowAsync<StorageException>(() => asking)).Message.ShouldContain(sentence);
    }

    private static Socket Listen(string path)
    {
        Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        return listener;
    }
}
