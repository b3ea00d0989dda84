using EveStorage.NvmeOf;

namespace EveStorage.Tests;

public sealed class WorkersTests
{
    [Fact]
    public async Task As_many_commands_wait_for_a_device_at_once_as_it_takes_though_each_blocks_its_thread()
    {
        await using TestTarget target = new();
        using Barrier all = new(24);
        await target.ExportAsync(TestTarget.Spec(), new BlockingBlocks(all));
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        // None ends before all have begun.
        await Task.WhenAll(Enumerable.Range(0, 24).Select(i => initiator.ReadAsync(1, i * 4096, new byte[4096], CancellationToken.None).AsTask()));

        target.Target.Workers.Count.ShouldBe(24);
    }

    [Fact]
    public async Task Where_the_system_gives_no_thread_commands_run_all_the_same_and_a_connection_is_refused()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20) { Cached = false });
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();
        target.Target.StartThread = _ => throw new InsufficientMemoryException("was told to");

        await initiator.ReadAsync(1, 0, new byte[4096], CancellationToken.None);
        using RawHost late = await RawHost.OpenAsync(target);
        (await late.ReadPduAsync()).ShouldBeNull();
        target.Target.StartThread = static thread => thread.Start();
        await using NvmeTcpInitiator next = await target.ConnectAsync();

        target.Told.ShouldContain(e => e.Id == "host.refused" && e.Message.Contains("threads"));
        target.Target.ConnectionCount.ShouldBe(4);
    }

    [Fact]
    public async Task A_command_that_ends_while_another_is_run_on_the_same_thread_ends_itself_and_not_the_other()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new PairedBlocks());
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        Task first = initiator.WriteAsync(1, 0, new byte[512], WriteDurability.Cached, CancellationToken.None).AsTask();
        Task second = initiator.WriteAsync(1, 512, new byte[512], WriteDurability.Cached, CancellationToken.None).AsTask();

        await Task.WhenAll(first, second).WaitAsync(TimeSpan.FromSeconds(10));
        await initiator.WriteAsync(1, 0, new byte[512], WriteDurability.Cached, CancellationToken.None);
    }

    private sealed class BlockingBlocks(Barrier all) : IdleBlocks
    {
        public override ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
            => all.SignalAndWait(TimeSpan.FromSeconds(10), cancellationToken) ? ValueTask.CompletedTask : throw new StorageException(StorageErrorKind.Io, "disk", "waited in vain");
    }
}
