using System.Buffers.Binary;
using CsCheck;
using EveStorage.NvmeOf;

namespace EveStorage.Tests;

public sealed class HostileTests
{
    private static readonly NvmeCommand s_keepAlive = new() { Opcode = (byte)AdminOpcode.KeepAlive };

    public static TheoryData<string, TerminationReason, uint> Malformed => new()
    {
        { "type", TerminationReason.InvalidHeaderField, 0 },
        { "target's type", TerminationReason.InvalidHeaderField, 0 },
        { "second ICReq", TerminationReason.SequenceError, 0 },
        { "HLEN", TerminationReason.InvalidHeaderField, 2 },
        { "PLEN of 4GiB", TerminationReason.InvalidHeaderField, 4 },
        { "PLEN too short", TerminationReason.InvalidHeaderField, 4 },
        { "PDO", TerminationReason.InvalidHeaderField, 3 },
        { "digest nobody agreed to", TerminationReason.InvalidHeaderField, 1 },
        { "data nobody asked for", TerminationReason.SequenceError, 0 },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public async Task A_malformed_PDU_ends_its_connection_with_the_reason_the_specification_names(string what, TerminationReason reason, uint information)
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        using RawHost host = await RawHost.AdminAsync(target);
        byte[] pdu = host.Capsule(s_keepAlive, 1, what == "PDO" ? new byte[512] : [], new(0, 0, Sgl.ByTransport));
        switch (what)
        {
            case "type":
                pdu[0] = 0x55;
                break;
            case "target's type":
                pdu[0] = (byte)PduType.ControllerData;
                break;
            case "second ICReq":
                pdu = RawHost.Initialize();
                break;
            case "HLEN":
                pdu[2] = 71;
                break;
            case "PLEN of 4GiB":
                BinaryPrimitives.WriteUInt32LittleEndian(pdu.AsSpan(4), uint.MaxValue);
                break;
            case "PLEN too short":
                BinaryPrimitives.WriteUInt32LittleEndian(pdu.AsSpan(4), 71);
                break;
            case "PDO":
                pdu[3] = 76;
                break;
            case "digest nobody agreed to":
                pdu[1] = (byte)PduBits.HeaderDigest;
                break;
            default:
                pdu = host.HostData(new(1, 0, 0, 512), new byte[512]);
                break;
        }

        host.Send(pdu);

        (await host.ReadTerminationAsync()).ShouldBe(new(reason, information));
    }

    [Theory]
    [InlineData(false, 8 << 10)]
    [InlineData(true, 128 << 10)]
    public async Task A_capsule_takes_as_much_data_as_its_kind_of_queue_says_and_one_with_more_ends_the_connection_before_its_data_comes(bool isIo, int most)
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        (RawHost admin, RawHost io) = await RawHost.IoAsync(target);
        using RawHost one = admin;
        using RawHost two = io;
        RawHost queue = isIo ? io : admin;
        NvmeCommand write = NvmeCommand.Blocks(IoOpcode.Write, 1, 0, most / 512);

        CompletionEntry taken = await queue.RunAsync(isIo ? write : s_keepAlive, new byte[most]);
        queue.Send(queue.Capsule(write, 2, new byte[most + 512], new(0, (uint)most + 512, Sgl.InCapsule)).AsSpan(0, PduHeader.CommandSize));

        taken.Status.ShouldBe(NvmeStatus.Success);
        (await queue.ReadTerminationAsync()).ShouldBe(new(TerminationReason.InvalidHeaderField, 4));
    }

    [Fact]
    public async Task A_PDU_before_ICReq_and_a_format_there_is_not_end_the_connection()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        using RawHost early = await RawHost.OpenAsync(target);
        using RawHost future = await RawHost.OpenAsync(target);
        byte[] request = RawHost.Initialize();
        request[8] = 1;

        early.Send(early.Capsule(s_keepAlive, 1, [], default));
        future.Send(request);

        (await early.ReadTerminationAsync()).Reason.ShouldBe(TerminationReason.SequenceError);
        (await future.ReadTerminationAsync()).ShouldBe(new(TerminationReason.UnsupportedParameter, 8));
    }

    [Fact]
    public async Task Data_of_a_write_that_is_not_what_was_asked_for_ends_the_connection_and_writes_nothing()
    {
        await using TestTarget target = new();
        MemoryBlocks blocks = new(1 << 20);
        await target.ExportAsync(TestTarget.Spec(), blocks);
        foreach ((TransferHeader change, TerminationReason reason) in ((TransferHeader, TerminationReason)[])[
            (new(9, 0, 0, 16384), TerminationReason.SequenceError),
            (new(8, 5, 0, 16384), TerminationReason.SequenceError),
            (new(8, 0xFFFF, 0, 16384), TerminationReason.SequenceError),
            (new(8, 0, 4096, 16384 - 4096), TerminationReason.DataOutOfRange),
            (new(8, 0, 0, 32768), TerminationReason.DataOutOfRange)])
        {
            (RawHost admin, RawHost io) = await RawHost.IoAsync(target);
            using RawHost one = admin;
            using RawHost two = io;
            io.Send(io.Capsule(NvmeCommand.Blocks(IoOpcode.Write, 1, 0, 32), 8, [], new(0, 16384, Sgl.ByTransport)));
            byte[] asked = (await io.ReadPduAsync())!;
            PduHeader.Read(asked).Type.ShouldBe(PduType.ReadyToTransfer);
            TransferHeader transfer = TransferHeader.Read(asked);
            transfer.Length.ShouldBe(16384u);

            ushort tag = change.TransferTag == 0 ? transfer.TransferTag : change.TransferTag == 5 ? (ushort)(transfer.TransferTag ^ 1) : change.TransferTag;
            byte[] data = new byte[change.Length];
            data.AsSpan().Fill(1);
            io.Send(io.HostData(change with { TransferTag = tag }, data));

            (await io.ReadTerminationAsync()).Reason.ShouldBe(reason, $"{change}");
        }

        blocks.Bytes.IndexOfAnyExcept((byte)0).ShouldBe(-1);
    }

    [Theory]
    [InlineData(512, true)]
    [InlineData(128 << 10, true)]
    [InlineData(16384, false)]
    public async Task Damaged_data_fails_its_command_for_the_host_to_try_again_and_the_connection_goes_on(int size, bool inCapsule)
    {
        await using TestTarget target = new();
        MemoryBlocks blocks = new(1 << 20);
        await target.ExportAsync(TestTarget.Spec(), blocks);
        (RawHost admin, RawHost io) = await RawHost.IoAsync(target, PduDigests.Header | PduDigests.Data);
        using RawHost one = admin;
        using RawHost two = io;
        byte[] data = new byte[size];
        data.AsSpan().Fill(1);
        NvmeCommand write = NvmeCommand.Blocks(IoOpcode.Write, 1, 0, size / 512);
        foreach (bool damage in (bool[])[true, false])
        {
            byte[] pdu;
            if (inCapsule)
            {
                pdu = io.Capsule(write, 8, data, new(0, (uint)size, Sgl.InCapsule));
            }
            else
            {
                io.Send(io.Capsule(write, 8, [], new(0, (uint)size, Sgl.ByTransport)));
                pdu = io.HostData(TransferHeader.Read((await io.ReadPduAsync())!), data);
            }

            pdu[^10] ^= damage ? (byte)1 : (byte)0;
            io.Send(pdu);

            CompletionEntry end = CompletionEntry.Read((await io.ReadPduAsync())!.AsSpan(PduHeader.Size));
            end.Status.ShouldBe(damage ? NvmeStatus.TransientTransportError : NvmeStatus.Success);
            blocks.Bytes[0].ShouldBe(damage ? (byte)0 : (byte)1);
        }
    }

    [Fact]
    public async Task A_damaged_header_ends_the_connection()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        using RawHost host = await RawHost.AdminAsync(target, PduDigests.Header);
        byte[] pdu = host.Capsule(s_keepAlive, 1, [], new(0, 0, Sgl.ByTransport));
        pdu[20] ^= 1;

        host.Send(pdu);

        Termination end = await host.ReadTerminationAsync();
        end.Reason.ShouldBe(TerminationReason.HeaderDigestError);
        end.Information.ShouldBe(BinaryPrimitives.ReadUInt32LittleEndian(pdu.AsSpan(PduHeader.CommandSize)));
    }

    [Fact]
    public async Task Data_lies_where_the_hosts_alignment_wants_it()
    {
        await using TestTarget target = new();
        MemoryBlocks blocks = new(1 << 20);
        blocks.Bytes[..512].Fill(9);
        await target.ExportAsync(TestTarget.Spec(), blocks);
        (RawHost admin, RawHost io) = await RawHost.IoAsync(target, alignment: 31);
        using RawHost one = admin;
        using RawHost two = io;

        io.Send(io.Capsule(NvmeCommand.Blocks(IoOpcode.Read, 1, 0, 1), 8, [], new(0, 512, Sgl.ByTransport)));
        byte[] pdu = (await io.ReadPduAsync())!;

        PduHeader.Read(pdu).DataOffset.ShouldBe((byte)128);
        pdu[128..].ShouldAllBe(b => b == 9);
        pdu.Length.ShouldBe(128 + 512);
    }

    [Theory]
    [InlineData("nothing")]
    [InlineData("half an ICReq")]
    [InlineData("no connect")]
    [InlineData("half a command")]
    [InlineData("no data for R2T")]
    public async Task A_host_that_stops_is_disconnected_in_time_and_its_memory_comes_back(string when)
    {
        await using TestTarget target = new(o => (o.HandshakeSeconds, o.StallSeconds) = (1, 1));
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        List<RawHost> hosts = [];
        switch (when)
        {
            case "nothing":
                hosts.Add(await RawHost.OpenAsync(target));
                break;
            case "half an ICReq":
                hosts.Add(await RawHost.OpenAsync(target));
                hosts[0].Send(RawHost.Initialize().AsSpan(0, 60));
                break;
            case "no connect":
                hosts.Add(await RawHost.InitializedAsync(target));
                break;
            case "half a command":
                hosts.Add(await RawHost.AdminAsync(target));
                hosts[0].Send(hosts[0].Capsule(s_keepAlive, 1, [], default).AsSpan(0, 30));
                break;
            default:
                (RawHost admin, RawHost io) = await RawHost.IoAsync(target);
                hosts.AddRange([io, admin]);
                io.Send(io.Capsule(NvmeCommand.Blocks(IoOpcode.Write, 1, 0, 32), 8, [], new(0, 16384, Sgl.ByTransport)));
                PduHeader.Read((await io.ReadPduAsync())!).Type.ShouldBe(PduType.ReadyToTransfer);
                break;
        }

        (await hosts[0].ReadPduAsync()).ShouldBeNull();
        hosts.ForEach(h => h.Dispose());
        await TestTarget.UntilAsync(() => target.Target.ConnectionCount == 0, "it is still there");
        target.Target.Buffers.Used.ShouldBe(new(0));
    }

    [Fact]
    public async Task A_connection_too_many_is_closed_and_the_others_go_on()
    {
        await using TestTarget target = new(o => o.MaxConnections = 4);
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        await using NvmeTcpInitiator initiator = await target.ConnectAsync(o => o with { Queues = 3 });

        using RawHost late = await RawHost.OpenAsync(target);

        (await late.ReadPduAsync()).ShouldBeNull();
        await initiator.ReadAsync(1, 0, new byte[4096], CancellationToken.None);
        target.Told.ShouldContain(e => e.Id == "host.refused" && e.Message.Contains("MaxConnections"));
    }

    [Fact]
    public async Task Whatever_comes_after_a_good_start_a_well_behaved_host_sees_no_error()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        await using NvmeTcpInitiator good = await target.ConnectAsync();
        bool isLong = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";
        Gen<(int, int, byte, byte[])> changes = Gen.Select(Gen.Int[0, 2], Gen.Int[0, 90], Gen.Byte, Gen.Byte.Array[0, 200]);

        await changes.SampleAsync(
            async change =>
            {
                await ProvokeAsync(target, change);
                await good.ReadAsync(1, 0, new byte[4096], CancellationToken.None);
            },
            iter: isLong ? 20_000 : 200,
            threads: 2);

        await TestTarget.UntilAsync(() => target.Target.ConnectionCount == 2, "connections are left");
    }

    // Sends a good I/O queue's start, a command with some byte changed, and noise.
    private static async Task ProvokeAsync(TestTarget target, (int Kind, int At, byte Value, byte[] Noise) change)
    {
        (RawHost admin, RawHost io) = await RawHost.IoAsync(target);
        using RawHost one = admin;
        using RawHost two = io;
        RawHost victim = change.Kind == 0 ? admin : io;
        byte[] pdu = change.Kind switch
        {
            0 => admin.Capsule(NvmeCommand.Identify(IdentifyStructure.Controller, 0), 1, [], new(0, 4096, Sgl.ByTransport)),
            1 => io.Capsule(NvmeCommand.Blocks(IoOpcode.Read, 1, 0, 8), 1, [], new(0, 4096, Sgl.ByTransport)),
            _ => io.Capsule(NvmeCommand.Blocks(IoOpcode.Write, 1, 0, 1), 1, new byte[512], new(0, 512, Sgl.InCapsule)),
        };
        pdu[change.At % pdu.Length] = change.Value;
        victim.Send(pdu);
        victim.Send(change.Noise);
    }
}
