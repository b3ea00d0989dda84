using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using EveStorage.Cli.Client;
using EveStorage.Testing;

namespace EveStorage.Tests;

public sealed class DaemonTests
{
    [Fact]
    public async Task It_describes_its_api_and_answers_errors_with_kind_and_status()
    {
        using CommandLineHost host = new();
        Process daemon = await host.ServeAsync();

        JsonElement paths = (await host.CurlAsync("/openapi/v1.json")).Json.GetProperty("paths");
        JsonElement volume = paths.GetProperty("/v1/pools/{pool}/volumes/{volume}").GetProperty("get");
        Ended missing = await host.CurlAsync("/v1/pools/data/volumes/nope", "--write-out", "\n%{http_code} %{content_type}");
        Ended wrong = await host.CurlAsync("/v1/operations", "--json", "{\"change\":\"create-volume\",\"pool\":\"data\",\"volume\":\"UPPER\",\"size\":1}", "--write-out", "\n%{http_code}");

        paths.TryGetProperty("/v1/operations/{id}/events", out _).ShouldBeTrue();
        paths.TryGetProperty("/v1/volumes", out _).ShouldBeTrue();
        volume.GetProperty("summary").GetString().ShouldBe("One volume");
        volume.GetProperty("responses").GetProperty("404").GetProperty("content").TryGetProperty("application/problem+json", out _).ShouldBeTrue();
        missing.Output.ShouldEndWith("\n404 application/problem+json");
        JsonDocument.Parse(missing.Output.Split('\n')[0]).RootElement.GetProperty("kind").GetString().ShouldBe("not-found");
        JsonDocument.Parse(missing.Output.Split('\n')[0]).RootElement.GetProperty("status").GetInt32().ShouldBe(404);
        wrong.Output.ShouldEndWith("\n400");
        wrong.Output.ShouldContain("UPPER");
        (await CommandLineHost.StopAsync(daemon)).ShouldBe(0);
        File.Exists(host.Socket).ShouldBeFalse();
    }

    [Fact]
    public async Task An_image_is_handed_over_and_imported_by_the_daemon()
    {
        using CommandLineHost host = new();
        byte[] disk = RandomNumberGenerator.GetBytes(3 << 20);
        await File.WriteAllBytesAsync(host["disk.raw"], disk, TestContext.Current.CancellationToken);
        await host.ServeAsync();
        await host.DoAsync("pool", "create", "data");

        Ended imported = await host.DoAsync("image", "import", host["disk.raw"], "vm1", "--format", "raw", "--verify", "--json");

        imported.Json.GetProperty("state").GetString().ShouldBe("succeeded");
        imported.Json.GetProperty("results").GetProperty("sha256").GetString().ShouldBe(Convert.ToHexStringLower(SHA256.HashData(disk)));
        imported.Json.GetProperty("request").TryGetProperty("subject", out _).ShouldBeFalse("a request is what was asked, and no more");
        string id = imported.Json.GetProperty("id").GetString()!;
        (await host.CurlAsync($"/v1/operations/{id}/events")).Output.ShouldContain("\"succeeded\"");
        (await host.DoAsync("image", "inspect", host["disk.raw"], "--format", "raw", "--json")).Json.GetProperty("virtualSize").GetInt64().ShouldBe(disk.Length);
    }

    [Fact]
    public async Task It_opens_no_path_that_a_client_names()
    {
        using CommandLineHost host = new();
        await File.WriteAllBytesAsync(host["secret"], new byte[1 << 20], TestContext.Current.CancellationToken);
        await host.ServeAsync();
        await host.DoAsync("pool", "create", "data");
        string request = JsonSerializer.Serialize(new { change = "import-image", pool = "data", volume = "vm1", imageName = host["secret"], format = "raw" });

        Ended without = await host.CurlAsync("/v1/operations", "--json", request, "--write-out", "\n%{http_code}");
        Ended guessed = await host.CurlAsync("/v1/operations", "--json", request, "--header", $"{DescriptorPath.Header}: {new string('0', 32)}", "--write-out", "\n%{http_code}");

        without.Output.ShouldEndWith("\n400");
        guessed.Output.ShouldEndWith("\n400");
        (await host.DoAsync("volume", "list", "--json")).Json.GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task Exports_come_back_under_the_same_ids_when_it_is_started_again()
    {
        using CommandLineHost host = new();
        Process first = await host.ServeAsync();
        await host.DoAsync("pool", "create", "data");
        await host.DoAsync("volume", "create", "vm1", "64MiB");
        await host.DoAsync("export", "add", "vm1", "--host", CommandLineHost.HostNqn);
        JsonElement before = (await host.DoAsync("export", "list", "--json")).Json[0];

        (await CommandLineHost.StopAsync(first)).ShouldBe(0);
        Process second = await host.ServeAsync();
        JsonElement after = (await host.DoAsync("export", "list", "--json")).Json[0];
        second.Kill();   // SIGKILL: nothing is tidied, and its socket stays
        await second.WaitForExitAsync(TestContext.Current.CancellationToken);
        File.Exists(host.Socket).ShouldBeTrue();
        await host.ServeAsync();
        JsonElement killed = (await host.DoAsync("export", "list", "--json")).Json[0];

        foreach (string id in (string[])["volume", "volumeId", "subsystem", "namespaceId", "allowedHosts"])
        {
            after.GetProperty(id).GetRawText().ShouldBe(before.GetProperty(id).GetRawText());
            killed.GetProperty(id).GetRawText().ShouldBe(before.GetProperty(id).GetRawText());
        }

        await ConnectAsync(new Uri(killed.GetProperty("address").GetString()!));
    }

    [Fact]
    public async Task A_second_one_is_refused_and_the_first_stays()
    {
        using CommandLineHost host = new();
        await host.ServeAsync();

        Ended second = await host.RunAsync("serve");

        second.Code.ShouldBe(7);
        second.Error.ShouldContain("runs already");
        (await host.CurlAsync("/v1/host", "--fail")).Code.ShouldBe(0);
    }

    [Fact]
    public async Task Only_its_owner_may_use_its_sockets()
    {
        using CommandLineHost host = new();
        await host.ServeAsync();

        File.GetUnixFileMode(host.Socket).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.GetUnixFileMode(DescriptorPath.Of(host.Socket)).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public async Task Another_user_is_refused_by_the_daemon_also_where_the_socket_is_open_to_all()
    {
        Assert.SkipUnless(Environment.UserName == "root" || Environment.GetEnvironmentVariable("CI") == "true", "only root can act as another user");
        using CommandLineHost host = new();
        await host.ServeAsync();
        const UnixFileMode Everybody = (UnixFileMode)0x1FF;
        File.SetUnixFileMode(host[""], Everybody);
        File.SetUnixFileMode(host["run"], Everybody);
        File.SetUnixFileMode(host.Socket, Everybody);

        Ended refused = await CommandLineHost.RunProgramAsync(
            "setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", "curl", "--silent", "--max-time", "10", "--unix-socket", host.Socket, "http://localhost/v1/host"]);

        refused.Code.ShouldNotBe(0);
        refused.Output.ShouldBeEmpty();
        (await host.CurlAsync("/v1/host", "--fail")).Code.ShouldBe(0);
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_refused()
    {
        using CommandLineHost host = new();
        await host.ServeAsync();
        await File.WriteAllBytesAsync(host["large"], new byte[2 << 20], TestContext.Current.CancellationToken);

        Ended refused = await host.CurlAsync("/v1/operations", "--header", "Content-Type: application/json", "--data-binary", $"@{host["large"]}", "--write-out", "\n%{http_code}");

        refused.Output.ShouldMatch("\n4(00|13)$");
    }

    [Fact]
    public async Task A_body_that_does_not_say_that_it_is_JSON_is_refused_with_what_it_has_to_be()
    {
        using CommandLineHost host = new();
        await host.ServeAsync();

        Ended refused = await host.CurlAsync("/v1/operations", "--header", "Content-Type:", "--data-binary", "{}", "--write-out", "\n%{http_code} %{content_type}");

        refused.Output.ShouldContain("The body has to be application/json");
        refused.Output.ShouldEndWith("\n400 application/problem+json");
    }

    [Fact]
    public async Task It_tells_its_supervisor_when_it_is_ready_and_when_it_stops()
    {
        using CommandLineHost host = new();
        using Socket supervisor = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        supervisor.Bind(new UnixDomainSocketEndPoint(host["notify.sock"]));
        Process daemon = host.StartDaemon(host["notify.sock"]);

        string ready = await ReceiveAsync(supervisor);
        Ended answered = await host.CurlAsync("/v1/host", "--fail");
        int code = await CommandLineHost.StopAsync(daemon);

        ready.ShouldContain("READY=1");
        answered.Code.ShouldBe(0, "it is ready, so it answers");
        (await ReceiveAsync(supervisor)).ShouldContain("STOPPING=1");
        code.ShouldBe(0);
    }

    [Fact]
    public async Task The_systemd_unit_is_one()
    {
        using CommandLineHost host = new();
        string unit = await File.ReadAllTextAsync(RepositoryFiles.Path("packaging/evestorage.service"), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(host["evestorage.service"], unit.Replace("/usr/bin/evestorage", CommandLineHost.Program, StringComparison.Ordinal), TestContext.Current.CancellationToken);

        Ended verified = await CommandLineHost.RunProgramAsync("systemd-analyze", ["verify", "--man=no", host["evestorage.service"]]);

        verified.Code.ShouldBe(0, verified.Error);
        verified.Error.ShouldBeEmpty();
    }

    private static async Task<string> ReceiveAsync(Socket supervisor)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        byte[] message = new byte[512];
        int length = await supervisor.ReceiveAsync(message, limit.Token);
        return System.Text.Encoding.UTF8.GetString(message, 0, length);
    }

    private static async Task ConnectAsync(Uri address)
    {
        using TcpClient client = new();
        await client.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        client.Connected.ShouldBeTrue();
    }
}
