using EveStorage.NvmeOf;
using EveStorage.NvmetUser;

namespace EveStorage.Tests;

public sealed class LoneCommandsTests
{
    [Fact]
    public void One_keeps_the_thread_after_enough_that_were_alone_and_none_does_after_one_in_company()
    {
        LoneCommands lone = new();

        Enumerable.Range(1, LoneCommands.Enough - 1).ShouldAllBe(_ => !lone.Note(true));
        lone.Note(true).ShouldBeTrue();
        lone.Note(true).ShouldBeTrue();
        lone.Note(false).ShouldBeFalse();
        lone.Note(true).ShouldBeFalse();
    }

    [Theory]
    [InlineData(WriteDurability.Cached, true)]
    [InlineData(WriteDurability.Stable, true)]
    [InlineData(WriteDurability.Stable, false)]
    public async Task What_waits_for_the_device_is_done_on_the_queues_thread_for_a_host_that_has_one_command_at_a_time(WriteDurability durability, bool writes)
    {
        using HeldBlocks blocks = new();
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), blocks);
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();
        async Task RunAsync() => await (writes
            ? initiator.WriteAsync(1, 0, new byte[4096], durability, CancellationToken.None)
            : initiator.FlushAsync(1, CancellationToken.None));

        await RunAsync();
        blocks.Thread.ShouldBe("nvmet worker");
        for (int command = 0; command < LoneCommands.Enough; command++)
        {
            await RunAsync();
        }

        blocks.Thread!.ShouldStartWith("nvmet 127.0.0.1");
    }

    [Fact]
    public async Task Those_that_came_meanwhile_do_not_wait_for_one_another()
    {
        using HeldBlocks blocks = new();
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), blocks);
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();
        for (int command = 0; command < LoneCommands.Enough; command++)
        {
            await initiator.ReadAsync(1, 0, new byte[512], CancellationToken.None);
        }

        blocks.Hold();
        Task alone = initiator.ReadAsync(1, 0, new byte[512], CancellationToken.None).AsTask();
        await TestTarget.UntilAsync(() => blocks.Held == 1, "it has not begun");
        Task[] others = [.. Enumerable.Range(1, 7).Select(number => initiator.ReadAsync(1, number * 512, new byte[512], CancellationToken.None).AsTask())];
        blocks.LetGo(1);
        await TestTarget.UntilAsync(() => blocks.Held == 7, "those that came meanwhile have not all begun");
        blocks.LetGo(7);

        await Task.WhenAll([alone, .. others]).WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task What_is_done_already_is_answered_before_the_device_is_waited_for()
    {
        using HeldBlocks blocks = new();
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), blocks);
        (RawHost admin, RawHost io) = await RawHost.IoAsync(target);
        using RawHost first = admin;
        using RawHost host = io;
        byte[] flush = io.Capsule(new() { Opcode = (byte)IoOpcode.Flush, NamespaceId = 1 }, 1, [], new(0, 0, Sgl.ByTransport));
        byte[] unknown = io.Capsule(new() { Opcode = 0x7F, NamespaceId = 1 }, 2, [], new(0, 0, Sgl.ByTransport));
        for (int command = 0; command < LoneCommands.Enough; command++)
        {
            io.Send(flush);
            await io.ReadPduAsync();
        }

        blocks.Hold();
        io.Send([.. unknown, .. flush]);

        CompletionEntry.Read((await io.ReadPduAsync()).AsSpan(PduHeader.Size)).CommandId.ShouldBe((ushort)2);
        blocks.LetGo(1);
        CompletionEntry.Read((await io.ReadPduAsync()).AsSpan(PduHeader.Size)).CommandId.ShouldBe((ushort)1);
    }

    [Fact]
    public async Task A_flush_has_its_thread_back_when_it_is_done_although_another_has_come_for_its_volume()
    {
        using HeldBlocks blocks = new();
        JoinedFlush flushes = new(blocks);
        blocks.Hold();
        Task<Task> first = Task.Factory.StartNew(flushes.FlushAsync, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await TestTarget.UntilAsync(() => blocks.Held == 1, "it has not begun");
        Task second = flushes.FlushAsync();

        blocks.LetGo(1);

        await (await first.WaitAsync(TimeSpan.FromSeconds(10))).WaitAsync(TimeSpan.FromSeconds(10));
        second.IsCompleted.ShouldBeFalse();
        blocks.LetGo(1);
        await second.WaitAsync(TimeSpan.FromSeconds(10));
    }

    /// <summary>A disk that keeps the threads that come, when it is told to.</summary>
    private sealed class HeldBlocks : IdleBlocks, IDisposable
    {
        private readonly SemaphoreSlim _gate = new(0);
        private volatile bool _holds;
        private int _held;

        internal string? Thread { get; private set; }

        internal int Held => Volatile.Read(ref _held);

        public override bool WritesWait => true;

        internal void Hold() => _holds = true;

        internal void LetGo(int count) => _gate.Release(count);

        public override ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken) => StayAsync(cancellationToken);

        public override ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken) => StayAsync(cancellationToken);

        public override ValueTask FlushAsync(CancellationToken cancellationToken) => StayAsync(cancellationToken);

        public void Dispose() => _gate.Dispose();

        // The thread is kept, as by a system call.
        private ValueTask StayAsync(CancellationToken cancellationToken)
        {
            Thread = System.Threading.Thread.CurrentThread.Name;
            if (_holds)
            {
                Interlocked.Increment(ref _held);
                _gate.Wait(cancellationToken);
                Interlocked.Decrement(ref _held);
            }

            return ValueTask.CompletedTask;
        }
    }
}
