using System.Net;
using System.Net.Sockets;
using EveStorage.Linux;

namespace EveStorage.Tests;

public sealed class PolledSocketTests
{
    [Fact]
    public async Task What_is_sent_arrives_and_nothing_there_is_told_from_an_end()
    {
        (PolledSocket ours, Socket theirs) = await PairAsync();
        using PolledSocket one = ours;
        using Socket two = theirs;
        byte[] received = new byte[16];

        ours.Receive(received).ShouldBe(PolledSocket.Again);
        ours.Send([1, 2, 3], TimeSpan.FromSeconds(10), TimeProvider.System).ShouldBeTrue();
        (await theirs.ReceiveAsync(received)).ShouldBe(3);
        theirs.Send([4]);
        ours.Wait(forInput: true, 10_000);
        ours.Receive(received).ShouldBe(1);
        theirs.Shutdown(SocketShutdown.Both);
        ours.Wait(forInput: true, 10_000);
        ours.Receive(received).ShouldBe(PolledSocket.Closed);
    }

    [Fact]
    public async Task Who_sleeps_is_woken_and_a_closed_one_is_woken_and_cut_without_harm()
    {
        (PolledSocket ours, Socket theirs) = await PairAsync();
        using Socket two = theirs;

        ours.Wake();
        ours.Wait(forInput: false, -1);
        ours.Dispose();
        ours.Wake();
        ours.Cut();

        (await theirs.ReceiveAsync(new byte[1])).ShouldBe(0);
    }

    [Fact]
    public async Task One_limit_is_for_all_that_is_sent_however_often_the_other_side_takes_a_little()
    {
        (PolledSocket ours, Socket theirs) = await PairAsync();
        using PolledSocket one = ours;
        using Socket two = theirs;
        Task<bool> sending = Task.Run(() => ours.Send(new byte[1 << 20], TimeSpan.FromSeconds(4), new SecondsByLook()));
        byte[] taken = new byte[4096];

        while (!sending.IsCompleted && (theirs.Available > 0 || !theirs.Poll(1000, SelectMode.SelectRead) || theirs.Available > 0))
        {
            _ = theirs.Available > 0 ? theirs.Receive(taken) : 0;
            await Task.Delay(1);
        }

        (await sending).ShouldBeFalse();
    }

    private static async Task<(PolledSocket Ours, Socket Theirs)> PairAsync()
    {
        using Socket listener = new(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        listener.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        listener.Listen();
        Socket ours = new(SocketType.Stream, ProtocolType.Tcp) { SendBufferSize = 4096 };
        await ours.ConnectAsync(listener.LocalEndPoint!);
        return (new(ours, "test"), await listener.AcceptAsync());
    }

    /// <summary>A clock on which a second goes by whenever it is looked at.</summary>
    private sealed class SecondsByLook : TimeProvider
    {
        private long _seconds = 1;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => _seconds++;
    }
}
