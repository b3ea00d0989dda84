using EveStorage.Cli.Api;
using EveStorage.Host.Lazy;
using EveStorage.Host.Operations;
using EveStorage.Linux;

namespace EveStorage.Tests;

/// <summary>Pools that get full while a volume of theirs lies over its image.</summary>
public sealed class LazyFullPoolTests
{
    private const int Length = 32 << 20;   // of which a fourth is a hole

    [Fact]
    public async Task The_copy_waits_for_room_reads_go_on_writes_say_that_there_is_none_and_all_goes_on_when_there_is()
    {
        Command mount = Command.Find("mount") is Command found && Environment.UserName == "root" ? found
            : Environment.GetEnvironmentVariable("CI") == "true" ? throw new InvalidOperationException("root and mount are needed") : throw Xunit.Sdk.SkipException.ForSkip("needs root and mount");
        await using LazyHost host = await LazyHost.StartAsync(0, engine => MountAsync(mount, GroundOf(engine)));
        try
        {
            byte[] model = host.WriteImage(Length);
            await using GuestDisk guest = await host.ConnectAsync(model);
            await host.UntilAsync(static report => report!.State == LazyReport.Waits);

            await RequireUsableAsync(host, guest);

            await mount.RunAsync(["-o", "remount,size=64m", GroundOf(host.Engine)], TestContext.Current.CancellationToken);
            await host.RequireOrdinaryAsync(model);
            await guest.ReadAsync(0, Length);
        }
        finally
        {
            await host.Engine.EndAsync();
            await Command.Find("umount").ShouldNotBeNull().RunAsync([GroundOf(host.Engine)], CancellationToken.None);
        }
    }

    private static string GroundOf(TestEngine engine) => Path.Combine(engine.State, "pools");

    private static Task MountAsync(Command mount, string ground)
        => mount.RunAsync(["-t", "tmpfs", "-o", "size=16m", "tmpfs", Directory.CreateDirectory(ground).FullName], TestContext.Current.CancellationToken);

    private static async Task RequireUsableAsync(LazyHost host, GuestDisk guest)
    {
        const int Part = 1 << 20;
        await guest.ReadAsync(0, Length);
        (await Should.ThrowAsync<StorageException>(async () => await guest.WriteAsync(Length - Part, Enumerable.Repeat((byte)9, Part).ToArray()))).Kind.ShouldBe(StorageErrorKind.OutOfSpace);
        await guest.ReadAsync(0, Length - Part);
        await guest.WriteAsync(0, Enumerable.Repeat((byte)8, Part / 16).ToArray());   // that is its own, and has its place
        await guest.FlushAsync();
        (await host.ReportAsync()).ShouldNotBeNull().Problem.ShouldNotBeNull().ShouldContain("room");
        (await host.Engine.Api.DiagnoseAsync(TestContext.Current.CancellationToken)).ShouldContain(finding => finding.Message.Contains("can't be read or kept now", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_map_that_finds_no_room_is_written_by_the_next_flush_and_one_that_could_not_be_flushed_by_none()
    {
        FailingBlocks data = new(Length);
        FailingBlocks bits = new((int)MapStore.LengthFor(new(Length)).Bytes);
        LazyMap map = new(new(Length), LazyMap.GranuleFor(new(Length)), default);
        await using FlushedMap flushed = new(data, new(bits, "map"), map, new(1, default, IsUsed: true, IsRefused: false));
        map.Add(0, 1 << 20);

        bits.Writing = new(StorageErrorKind.OutOfSpace, "map", "has no room");
        (await Should.ThrowAsync<StorageException>(async () => await flushed.FlushAsync(default))).Kind.ShouldBe(StorageErrorKind.OutOfSpace);
        bits.Writing = null;
        await flushed.FlushAsync(default);
        bool wasWritten = bits.Bytes.AsSpan(64 << 10, (1 << 20) / map.Granule / 8).ContainsAnyExcept((byte)0xFF) is false;
        map.Add(2 << 20, 1 << 20);
        data.Flushing = new(StorageErrorKind.OutOfSpace, "data", "has no room");
        await Should.ThrowAsync<StorageException>(async () => await flushed.FlushAsync(default));
        data.Flushing = null;

        wasWritten.ShouldBeTrue();
        (await Should.ThrowAsync<StorageException>(async () => await flushed.FlushAsync(default))).Subject.ShouldBe("data");
    }

    /// <summary>A drive that fails when it is told to.</summary>
    private sealed class FailingBlocks(int length) : IBlockSource
    {
        internal byte[] Bytes { get; } = new byte[length];

        internal StorageException? Writing { get; set; }

        internal StorageException? Flushing { get; set; }

        public ByteSize Size => new(length);

        public bool TryRead(long offset, Span<byte> destination)
        {
            Bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
            return true;
        }

        public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            TryRead(offset, destination.Span);
            return ValueTask.CompletedTask;
        }

        public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken)
        {
            if (Writing is not null)
            {
                throw Writing;
            }

            source.Span.CopyTo(Bytes.AsSpan((int)offset));
            return ValueTask.CompletedTask;
        }

        public ValueTask FlushAsync(CancellationToken cancellationToken) => Flushing is null ? ValueTask.CompletedTask : throw Flushing;

        public ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken) => WriteAsync(offset, new byte[length], WriteDurability.Cached, cancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
