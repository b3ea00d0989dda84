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

    private sealed class BlockingBlocks(Barrier all) : IBlockSource
    {
        public ByteSize Size => ByteSize.MiB(1);

        public bool TryRead(long offset, Span<byte> destination) => false;

        public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
            => all.SignalAndWait(TimeSpan.FromSeconds(10), cancellationToken) ? ValueTask.CompletedTask : throw new StorageException(StorageErrorKind.Io, "disk", "waited in vain");

        public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask FlushAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
