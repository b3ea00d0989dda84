using System.Buffers.Binary;
using System.Security.Cryptography;
using EveStorage.NvmeOf;

namespace EveStorage.Tests;

public sealed class DataPathTests
{
    [Theory]
    [InlineData(PduDigests.None, true)]
    [InlineData(PduDigests.Header, true)]
    [InlineData(PduDigests.Data, true)]
    [InlineData(PduDigests.Header | PduDigests.Data, true)]
    [InlineData(PduDigests.None, false)]
    public async Task What_was_written_is_read_back_in_every_size_with_every_digest_and_with_flow_control(PduDigests digests, bool disableFlowControl)
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(4 << 20));
        await using NvmeTcpInitiator initiator = await target.ConnectAsync(o => o with { Digests = digests, DisableFlowControl = disableFlowControl });

        foreach (int size in (int[])[512, 4096, 8192, 8704, 65536, 131072, 1 << 20])
        {
            byte[] written = RandomNumberGenerator.GetBytes(size);
            byte[] read = new byte[size];
            await initiator.WriteAsync(1, 512, written, WriteDurability.Cached, CancellationToken.None);
            await initiator.ReadAsync(1, 512, read, CancellationToken.None);
            read.ShouldBe(written);
        }
    }

    [Theory]
    [InlineData(1, 2, true)]
    [InlineData(4, 128, true)]
    [InlineData(2, 1024, false)]
    public async Task Many_commands_at_once_on_many_queues_keep_their_data_apart(int queues, int depth, bool cached)
    {
        const int Parts = 512;
        const int Size = 8 << 10;
        await using TestTarget target = new(o => o.QueueDepth = 1024);
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(Parts * Size) { Cached = cached });
        await using NvmeTcpInitiator initiator = await target.ConnectAsync(o => o with { Queues = queues, QueueDepth = depth });
        byte[][] parts = [.. Enumerable.Range(0, Parts).Select(i => RandomNumberGenerator.GetBytes(i % 3 == 0 ? Size : Size / 2))];

        await Task.WhenAll(parts.Select((p, i) => initiator.WriteAsync(1, i * Size, p, WriteDurability.Cached, CancellationToken.None).AsTask()));
        byte[][] read = [.. parts.Select(p => new byte[p.Length])];
        await Task.WhenAll(read.Select((r, i) => initiator.ReadAsync(1, i * Size, r, CancellationToken.None).AsTask()));

        initiator.Queues.ShouldBe(queues);
        for (int i = 0; i < Parts; i++)
        {
            read[i].ShouldBe(parts[i]);
        }
    }

    [Fact]
    public async Task What_hosts_did_is_counted_by_export_and_stays_when_they_have_gone()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(1), new MemoryBlocks(1 << 20));
        await target.ExportAsync(TestTarget.Spec(2), new MemoryBlocks(1 << 20) { Cached = false });
        await using (NvmeTcpInitiator initiator = await target.ConnectAsync(o => o with { Queues = 2 }))
        {
            await initiator.WriteAsync(1, 0, new byte[8192], WriteDurability.Cached, CancellationToken.None);
            await initiator.ReadAsync(1, 0, new byte[4096], CancellationToken.None);
            await initiator.FlushAsync(1, CancellationToken.None);
            await initiator.ReadAsync(2, 0, new byte[512], CancellationToken.None);
            await initiator.ReadAsync(2, 4096, new byte[512], CancellationToken.None);
        }

        ExportInfo[] exports = await target.ListAsync();
        exports[0].Traffic.ShouldBe(new() { Reads = 1, ReadBytes = new(4096), Writes = 1, WrittenBytes = new(8192), Flushes = 1 });
        exports[1].Traffic.ShouldBe(new() { Reads = 2, ReadBytes = new(1024) });
    }

    [Fact]
    public async Task A_command_that_ends_with_an_error_is_counted_as_one()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new OutOfMemoryBlocks());
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        await Should.ThrowAsync<NvmeCommandException>(async () => await initiator.FlushAsync(1, CancellationToken.None));

        (await target.ListAsync()).ShouldHaveSingleItem().Traffic.ShouldBe(new() { Flushes = 1, Errors = 1 });
    }

    [Fact]
    public async Task A_slow_read_does_not_hold_up_the_others_of_its_queue()
    {
        await using TestTarget target = new();
        MemoryBlocks slow = new(1 << 20) { Cached = false, Gate = new() };
        await target.ExportAsync(TestTarget.Spec(1), slow);
        await target.ExportAsync(TestTarget.Spec(2), new MemoryBlocks(1 << 20));
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        Task waiting = initiator.ReadAsync(1, 0, new byte[4096], CancellationToken.None).AsTask();
        await initiator.ReadAsync(2, 0, new byte[4096], CancellationToken.None);
        await initiator.WriteAsync(1, 0, new byte[4096], WriteDurability.Cached, CancellationToken.None);

        waiting.IsCompleted.ShouldBeFalse();
        slow.Gate.SetResult();
        await waiting;
    }

    [Theory]
    [InlineData(false, false, 128 << 10)]
    [InlineData(true, false, 8 << 10)]
    [InlineData(false, true, 8 << 10)]
    public async Task A_host_is_told_to_send_whole_writes_in_capsules_unless_an_export_of_its_has_them_wait(bool waits, bool limited, int most)
    {
        await using TestTarget target = new();
        using WaitingBlocks waiting = new();
        await target.ExportAsync(TestTarget.Spec(1), new MemoryBlocks(1 << 20));
        await target.ExportAsync(TestTarget.Spec(2) with { Limits = limited ? new() { Iops = 20 } : null }, waits ? waiting : new MemoryBlocks(1 << 20));

        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        initiator.Controller.InCapsuleData.ShouldBe(most);
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(65536)]
    public async Task A_write_to_a_volume_whose_writes_wait_does_not_hold_up_the_others_of_its_queue(int length)
    {
        await using TestTarget target = new();
        using WaitingBlocks slow = new();
        await target.ExportAsync(TestTarget.Spec(1), slow);
        await target.ExportAsync(TestTarget.Spec(2), new MemoryBlocks(1 << 20));
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();
        try
        {
            Task waiting = initiator.WriteAsync(1, 0, new byte[length], WriteDurability.Cached, CancellationToken.None).AsTask();
            await slow.Begun.Task;
            await initiator.ReadAsync(2, 0, new byte[4096], CancellationToken.None);

            waiting.IsCompleted.ShouldBeFalse();
            slow.Gate.Set();
            await waiting;
        }
        finally
        {
            slow.Gate.Set();   // or the target would wait for it
        }
    }

    [Fact]
    public async Task Blocks_beyond_the_end_are_refused_and_the_last_one_is_not()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();
        byte[] block = new byte[512];

        await initiator.ReadAsync(1, (1 << 20) - 512, block, CancellationToken.None);
        foreach (NvmeCommand command in (NvmeCommand[])[
            NvmeCommand.Blocks(IoOpcode.Read, 1, (1 << 20) / 512, 1),
            NvmeCommand.Blocks(IoOpcode.Read, 1, ulong.MaxValue, 1),
            NvmeCommand.Blocks(IoOpcode.Read, 1, ulong.MaxValue >> 9, 1)])
        {
            (await initiator.SubmitAsync(0, command, block, default, CancellationToken.None)).Status.ShouldBe(NvmeStatus.BlockOutOfRange);
        }

        NvmeCommand write = NvmeCommand.Blocks(IoOpcode.Write, 1, ((1 << 20) / 512) - 1, 2);
        (await initiator.SubmitAsync(0, write, default, new byte[1024], CancellationToken.None)).Status.ShouldBe(NvmeStatus.BlockOutOfRange);
    }

    [Fact]
    public async Task A_transfer_beyond_the_limit_or_of_another_length_than_its_blocks_is_refused()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();
        NvmeCommand tooLong = NvmeCommand.Blocks(IoOpcode.Read, 1, 0, 257);
        NvmeCommand other = NvmeCommand.Blocks(IoOpcode.Read, 1, 0, 2);

        (await initiator.SubmitAsync(0, tooLong, new byte[257 * 512], default, CancellationToken.None)).Status.ShouldBe(NvmeStatus.InvalidField);
        (await initiator.SubmitAsync(0, other, new byte[512], default, CancellationToken.None)).Status.ShouldBe(NvmeStatus.DataLengthInvalid);
        (await initiator.SubmitAsync(0, other with { NamespaceId = 2 }, new byte[1024], default, CancellationToken.None)).Status.ShouldBe(NvmeStatus.InvalidNamespace);
        (await initiator.SubmitAsync(0, new() { Opcode = 0x05, NamespaceId = 1 }, default, default, CancellationToken.None)).Status.ShouldBe(NvmeStatus.InvalidOpcode);
    }

    [Fact]
    public async Task Write_zeroes_and_discard_reach_the_volume()
    {
        await using TestTarget target = new();
        MemoryBlocks blocks = new(1 << 20);
        blocks.Bytes.Fill(7);
        await target.ExportAsync(TestTarget.Spec(), blocks);
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        await initiator.WriteZeroesAsync(1, 4096, 512 << 10, CancellationToken.None);
        await initiator.DiscardAsync(1, 8192, 65536, CancellationToken.None);

        blocks.Bytes[4095].ShouldBe((byte)7);
        blocks.Bytes.Slice(4096, 512 << 10).IndexOfAnyExcept((byte)0).ShouldBe(-1);
        blocks.Bytes[4096 + (512 << 10)].ShouldBe((byte)7);
        blocks.Discarded.ShouldBe([(8192, 65536)]);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(2048, 0x80)]
    public async Task Ranges_to_discard_may_come_when_they_are_asked_for(ulong first, int status)
    {
        await using TestTarget target = new();
        MemoryBlocks blocks = new(1 << 20);
        await target.ExportAsync(TestTarget.Spec(), blocks);
        (RawHost admin, RawHost io) = await RawHost.IoAsync(target);
        using RawHost one = admin;
        using RawHost two = io;
        byte[] ranges = new byte[4096];
        BinaryPrimitives.WriteUInt32LittleEndian(ranges.AsSpan(4), 16);
        BinaryPrimitives.WriteUInt64LittleEndian(ranges.AsSpan(8), first);

        io.Send(io.Capsule(new() { Opcode = (byte)IoOpcode.DatasetManagement, NamespaceId = 1, Dword11 = 1 << 2 }, 8, [], new(0, 4096, Sgl.ByTransport)));
        byte[] asked = (await io.ReadPduAsync()).ShouldNotBeNull();
        PduHeader.Read(asked).Type.ShouldBe(PduType.ReadyToTransfer);
        io.Send(io.HostData(TransferHeader.Read(asked), ranges));
        CompletionEntry end = CompletionEntry.Read((await io.ReadPduAsync()).ShouldNotBeNull().AsSpan(PduHeader.Size));

        end.Status.Is(new((ushort)status)).ShouldBeTrue($"{end.Status}");
        blocks.Discarded.ShouldBe(status == 0 ? [(0, 8192)] : []);
    }

    [Fact]
    public async Task Memory_at_its_limit_delays_writes_and_loses_none()
    {
        await using TestTarget target = new(o => o.BufferMemory = ByteSize.MiB(4));
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(16 << 20) { Cached = false });
        await using NvmeTcpInitiator initiator = await target.ConnectAsync(o => o with { Queues = 2 });
        byte[][] parts = [.. Enumerable.Range(0, 128).Select(_ => RandomNumberGenerator.GetBytes(128 << 10))];

        await Task.WhenAll(parts.Select((p, i) => initiator.WriteAsync(1, i * (128 << 10), p, WriteDurability.Cached, CancellationToken.None).AsTask()));
        byte[][] read = [.. parts.Select(p => new byte[p.Length])];
        await Task.WhenAll(read.Select((r, i) => initiator.ReadAsync(1, i * (128 << 10), r, CancellationToken.None).AsTask()));

        read.ShouldBe(parts);
    }
}
