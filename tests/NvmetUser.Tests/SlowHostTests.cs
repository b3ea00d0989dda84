using System.Security.Cryptography;
using EveStorage.NvmeOf;
using EveStorage.NvmetUser;

namespace EveStorage.Tests;

/// <summary>Who takes their time: a host, which must hold up nobody else, and we ourselves, which must not be held against a host.</summary>
public sealed class SlowHostTests
{
    private const int Large = 128 << 10;   // a whole transfer

    [Fact]
    public async Task A_host_that_takes_no_answers_keeps_no_volume_from_being_closed()
    {
        await using TestTarget target = new();
        MemoryBlocks blocks = new(1 << 20);
        await target.ExportAsync(TestTarget.Spec(), blocks);
        (RawHost admin, RawHost io) = await RawHost.IoAsync(target);
        using RawHost one = admin;
        using RawHost two = io;
        for (ushort i = 0; i < 300; i++)   // far more than both socket buffers take
        {
            io.Send(io.Capsule(NvmeCommand.Blocks(IoOpcode.Read, 1, 0, 256), i, [], new(0, 128 << 10, Sgl.ByTransport)));
        }

        await TestTarget.UntilAsync(() => target.Target.FindController(1)!.Count().Reads > 3, "nothing is read");
        await target.UnexportAsync(TestTarget.Spec()).WaitAsync(TimeSpan.FromSeconds(10));

        blocks.IsDisposed.ShouldBeTrue();
    }

    [Fact]
    public async Task A_device_that_does_not_answer_holds_up_no_other_export_nor_who_gives_up_waiting()
    {
        await using TestTarget target = new();
        MemoryBlocks stuck = new(1 << 20) { Cached = false, Gate = new() };
        await target.ExportAsync(TestTarget.Spec(), stuck);
        await target.ExportAsync(TestTarget.Spec(2), new MemoryBlocks(1 << 20));
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();
        Task reading = initiator.ReadAsync(1, 0, new byte[4096], CancellationToken.None).AsTask();
        await TestTarget.UntilAsync(() => stuck.Begun == 1, "the read has not begun");
        using CancellationTokenSource impatient = new();

        Plan end = await target.Transport.PlanUnexportAsync(TestTarget.Spec().VolumeId, CancellationToken.None);
        Task ending = end.Steps.Single().ApplyAsync(TestTarget.Operation(), impatient.Token).AsTask();
        await target.UnexportAsync(TestTarget.Spec(2)).WaitAsync(TimeSpan.FromSeconds(10));
        await target.ExportAsync(TestTarget.Spec(3), new MemoryBlocks(1 << 20)).WaitAsync(TimeSpan.FromSeconds(10));
        await impatient.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => ending.WaitAsync(TimeSpan.FromSeconds(10)));
        stuck.Gate.SetResult();
        await reading;

        await TestTarget.UntilAsync(() => stuck.IsDisposed, "it is still open");
    }

    [Fact]
    public async Task A_host_that_waited_long_for_our_memory_has_all_its_time_to_send_the_data_then()
    {
        ManualTime time = new();
        await using TestTarget target = new(o => (o.StallSeconds, o.BufferMemory) = (5, ByteSize.MiB(4)), time);
        MemoryBlocks blocks = new(1 << 20);
        await target.ExportAsync(TestTarget.Spec(), blocks);
        (RawHost admin, RawHost io) = await RawHost.IoAsync(target);
        using RawHost one = admin;
        using RawHost two = io;
        BufferShare others = new();
        Stack<PageBuffer> taken = [];
        while (target.Target.Buffers.TryRent(16 << 10, taken.Count == 0 ? others : new()) is PageBuffer buffer)
        {
            taken.Push(buffer);
        }

        io.Send(io.Capsule(NvmeCommand.Blocks(IoOpcode.Write, 1, 0, 32), 8, [], new(0, 16384, Sgl.ByTransport)));
        await TestTarget.UntilAsync(() => target.Target.FindController(1)!.Count().Writes == 1, "the write has not come");
        time.Advance(TimeSpan.FromSeconds(60));
        foreach (PageBuffer buffer in taken)
        {
            target.Target.Buffers.Return(buffer, new());
        }

        byte[] asked = (await io.ReadPduAsync()).ShouldNotBeNull();
        await Task.Delay(100);
        byte[] data = new byte[16384];
        data.AsSpan().Fill(3);
        io.Send(io.HostData(TransferHeader.Read(asked), data));

        CompletionEntry.Read((await io.ReadPduAsync()).ShouldNotBeNull().AsSpan(PduHeader.Size)).Status.ShouldBe(NvmeStatus.Success);
        blocks.Bytes[0].ShouldBe((byte)3);
    }

    [Fact]
    public async Task What_comes_behind_large_writes_that_wait_for_the_device_is_done_meanwhile()
    {
        await using TestTarget target = new();
        MemoryBlocks blocks = new(2 << 20) { Gate = new() };
        await target.ExportAsync(TestTarget.Spec(), blocks);
        (RawHost admin, RawHost io) = await RawHost.IoAsync(target, PduDigests.Header | PduDigests.Data);
        using RawHost one = admin;
        using RawHost two = io;
        byte[] written = RandomNumberGenerator.GetBytes(8 * Large);   // far more than the input buffer holds
        Task sending = SendAsync(io, written, stable: true, thenRead: true);

        await ShouldReadAsync(io);
        await sending;
        blocks.Gate.SetResult();

        await AllEndAsync(io, 8);
        blocks.Bytes[..written.Length].SequenceEqual(written).ShouldBeTrue();
    }

    [Fact]
    public async Task What_comes_behind_large_writes_that_end_late_is_done_meanwhile_once_one_did()
    {
        await using TestTarget target = new();
        MemoryBlocks blocks = new(2 << 20) { WriteGate = new() };
        await target.ExportAsync(TestTarget.Spec(), blocks);
        (RawHost admin, RawHost io) = await RawHost.IoAsync(target);
        using RawHost one = admin;
        using RawHost two = io;
        byte[] written = RandomNumberGenerator.GetBytes(8 * Large);
        await SendAsync(io, written.AsMemory(0, Large), stable: false, thenRead: false);
        await TestTarget.UntilAsync(() => blocks.Begun == 1, "it has not begun");
        blocks.WriteGate.SetResult();
        await AllEndAsync(io, 1);
        blocks.WriteGate = new();
        Task sending = SendAsync(io, written, stable: false, thenRead: true);

        await ShouldReadAsync(io);
        await sending;
        blocks.WriteGate.SetResult();

        await AllEndAsync(io, 8);
        blocks.Bytes[..written.Length].SequenceEqual(written).ShouldBeTrue();
    }

    [Fact]
    public async Task Large_writes_that_wait_for_the_device_end_although_there_is_no_memory_to_keep_them_in()
    {
        await using TestTarget target = new(o => o.BufferMemory = ByteSize.MiB(4));
        MemoryBlocks blocks = new(2 << 20) { Gate = new() };
        await target.ExportAsync(TestTarget.Spec(), blocks);
        (RawHost admin, RawHost io) = await RawHost.IoAsync(target);
        using RawHost one = admin;
        using RawHost two = io;
        BufferShare others = new();
        while (target.Target.Buffers.TryRent(16 << 10, target.Target.Buffers.Used < ByteSize.MiB(2) ? others : new()) is not null)
        {
        }

        byte[] written = RandomNumberGenerator.GetBytes(8 * Large);
        Task sending = SendAsync(io, written, stable: true, thenRead: false);
        await TestTarget.UntilAsync(() => blocks.Begun == 2, "those that the input holds have not begun");
        await Task.Delay(200);
        blocks.Begun.ShouldBe(2);
        blocks.Gate.SetResult();

        await AllEndAsync(io, 8);
        await sending;
        blocks.Bytes[..written.Length].SequenceEqual(written).ShouldBeTrue();
    }

    // Large writes in their capsules; not on the test's thread, since they are more than sockets hold.
    private static Task SendAsync(RawHost io, ReadOnlyMemory<byte> data, bool stable, bool thenRead) => Task.Run(() =>
    {
        for (int i = 0; i < data.Length / Large; i++)
        {
            NvmeCommand write = NvmeCommand.Blocks(IoOpcode.Write, 1, (ulong)i * (Large / 512), Large / 512, stable);
            io.Send(io.Capsule(write, (ushort)i, data.Slice(i * Large, Large).ToArray(), new(0, Large, Sgl.InCapsule)));
        }

        if (thenRead)
        {
            io.Send(io.Capsule(NvmeCommand.Blocks(IoOpcode.Read, 1, 4088, 8), 99, [], new(0, 4096, Sgl.ByTransport)));
        }
    });

    private static async Task ShouldReadAsync(RawHost io)
    {
        byte[] pdu = (await io.ReadPduAsync()).ShouldNotBeNull();
        PduHeader.Read(pdu).Type.ShouldBe(PduType.ControllerData);
    }

    private static async Task AllEndAsync(RawHost io, int count)
    {
        for (int i = 0; i < count; i++)
        {
            CompletionEntry.Read((await io.ReadPduAsync()).ShouldNotBeNull().AsSpan(PduHeader.Size)).Status.ShouldBe(NvmeStatus.Success);
        }
    }

    [Fact]
    public async Task A_host_whose_next_command_does_not_fit_because_we_are_slow_is_not_disconnected()
    {
        ManualTime time = new();
        await using TestTarget target = new(o => o.StallSeconds = 1, time);
        MemoryBlocks blocks = new(1 << 20) { Gate = new() };
        await target.ExportAsync(TestTarget.Spec(), blocks);
        (RawHost admin, RawHost io) = await RawHost.IoAsync(target, size: 64);
        using RawHost one = admin;
        using RawHost two = io;
        const int Commands = 36;   // more than the input buffer holds
        NvmeCommand stable = NvmeCommand.Blocks(IoOpcode.Write, 1, 0, 16, forceUnitAccess: true);
        for (ushort i = 0; i < Commands; i++)
        {
            io.Send(io.Capsule(stable, i, new byte[8192], new(0, 8192, Sgl.InCapsule)));
        }

        await TestTarget.UntilAsync(() => blocks.Begun >= 32, "they have not begun");
        await Task.Delay(200);
        time.Advance(TimeSpan.FromSeconds(60));
        await Task.Delay(1500);   // the thread's sleep is the system's: it looks at the clock again
        blocks.Gate.SetResult();
        await AllEndAsync(io, Commands);
    }
}
