using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using EveStorage.Host.Daemon;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>What a supervisor is told so that it knows a daemon that hangs.</summary>
public sealed class HeartbeatTests
{
    private static readonly TimeSpan s_soon = TimeSpan.FromMilliseconds(300);

    [Fact]
    public async Task It_beats_also_while_a_job_waits_and_until_the_daemon_has_ended()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");
        await host.DoAsync("volume", "create", "vm0", "4MiB");
        using Socket supervisor = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        supervisor.Bind(new UnixDomainSocketEndPoint(host["notify.sock"]));
        Process daemon = host.StartDaemon(host["notify.sock"], watchdog: TimeSpan.FromSeconds(1));
        await UntilAsync(supervisor, "READY=1");

        Task<Ended> job;
        using (FileLock held = FileLock.TryAcquire(host["pool/lock"], "the test")!)
        {
            job = host.RunAsync("volume", "create", "vm1", "4MiB");
            for (int beat = 0; beat < 5; beat++)
            {
                await UntilAsync(supervisor, "WATCHDOG=1");
            }

            job.IsCompleted.ShouldBeFalse();
        }

        (await job).Code.ShouldBe(0);
        (await CommandLineHost.StopAsync(daemon)).ShouldBe(0);
    }

    [Fact]
    public void Who_takes_a_connection_and_says_nothing_does_not_answer()
    {
        using TemporaryDirectory directory = new();
        using Socket hangs = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        hangs.Bind(new UnixDomainSocketEndPoint(directory["api.sock"]));
        hangs.Listen(1);

        Heartbeat.Answers(directory["api.sock"], s_soon).ShouldBeFalse();
        Heartbeat.Answers(directory["api.sock"], s_soon).ShouldBeFalse("nor when its queue is full");
        Heartbeat.Answers(directory["api.sock"], s_soon).ShouldBeFalse();
        Heartbeat.Answers(directory["none.sock"], s_soon).ShouldBeFalse();
    }

    [Fact]
    public void Without_a_supervisor_that_asks_nothing_beats() => Heartbeat.Start("/nowhere").ShouldBeNull();

    private static async Task UntilAsync(Socket supervisor, string state)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        byte[] message = new byte[512];
        while (!Encoding.UTF8.GetString(message, 0, await supervisor.ReceiveAsync(message, limit.Token)).Contains(state, StringComparison.Ordinal))
        {
        }
    }
}
