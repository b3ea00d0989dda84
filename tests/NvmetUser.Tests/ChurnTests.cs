using System.Security.Cryptography;
using EveStorage.NvmeOf;

namespace EveStorage.Tests;

/// <summary>What is measured of the whole process: no other test runs beside it.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>Many hosts that come and go, half of them malicious, and what that costs the others.</summary>
[Collection(nameof(Alone))]
public sealed class ChurnTests
{
    private const int Connections = 64;
    private const int Size = 64 << 10;

    // EVESTORAGE_LONG=1 runs it as long as the product promises.
    private static TimeSpan Duration { get; } = TimeSpan.FromSeconds(Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1" ? 120 : 15);

    [Fact]
    public async Task Connections_that_come_and_go_half_of_them_with_garbage_cost_no_memory_and_no_other_an_error()
    {
        await using TestTarget target = new(o => (o.HandshakeSeconds, o.StallSeconds, o.MaxConnections) = (60, 60, 512));
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks((Connections + 1) * Size));
        await using NvmeTcpInitiator steady = await target.ConnectAsync();
        int done = 0;

        // Everything is compiled and every buffer made before the memory is measured.
        await RunAsync(target, TimeSpan.FromSeconds(Duration.TotalSeconds / 5), () => done++);
        await TestTarget.UntilAsync(() => target.Target.ConnectionCount == 2, "connections are left");
        long before = Measure();
        int descriptors = Descriptors();
        Task reading = KeepReadingAsync(steady, TimeSpan.FromSeconds(Duration.TotalSeconds * 4 / 5));
        await RunAsync(target, TimeSpan.FromSeconds(Duration.TotalSeconds * 4 / 5), () => Interlocked.Increment(ref done));
        await reading;
        await TestTarget.UntilAsync(() => target.Target.ConnectionCount == 2, "connections are left");
        long after = Measure();

        done.ShouldBeGreaterThan(Connections);
        (after - before).ShouldBeLessThan(16 << 20, $"from {before} to {after} after {done} connections");
        Descriptors().ShouldBeLessThanOrEqualTo(descriptors + 16);
        target.Target.Buffers.Used.ShouldBeLessThan(ByteSize.MiB(1));
    }

    private static int Descriptors() => Directory.GetFiles("/proc/self/fd").Length;

    private static long Measure()
    {
        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    private static async Task RunAsync(TestTarget target, TimeSpan duration, Action done)
    {
        using CancellationTokenSource end = new(duration);
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(async i =>
        {
            while (!end.IsCancellationRequested)
            {
                await (i % 2 == 0 ? BehaveAsync(target, i) : MisbehaveAsync(target));
                done();
            }
        }));
    }

    private static async Task KeepReadingAsync(NvmeTcpInitiator initiator, TimeSpan duration)
    {
        using CancellationTokenSource end = new(duration);
        byte[] data = new byte[4096];
        while (!end.IsCancellationRequested)
        {
            await initiator.ReadAsync(1, Connections * Size, data, CancellationToken.None);
        }
    }

    // Any error of a well-behaved host fails the test.
    private static async Task BehaveAsync(TestTarget target, int number)
    {
        await using NvmeTcpInitiator initiator = await target.ConnectAsync(o => o with { Digests = (PduDigests)(number / 2 % 4), QueueDepth = 8 });
        byte[] written = RandomNumberGenerator.GetBytes(Random.Shared.Next(1, 128) * 512);
        byte[] read = new byte[written.Length];
        await initiator.WriteAsync(1, number * Size, written, WriteDurability.Cached, CancellationToken.None);
        await initiator.ReadAsync(1, number * Size, read, CancellationToken.None);
        read.ShouldBe(written);
    }

    private static async Task MisbehaveAsync(TestTarget target)
    {
        switch (Random.Shared.Next(5))
        {
            case 0:
                using (RawHost host = await RawHost.OpenAsync(target))
                {
                    TrySend(host, RandomNumberGenerator.GetBytes(Random.Shared.Next(1, 5000)));
                }

                break;
            case 1:
                using (await RawHost.InitializedAsync(target))
                {
                    await Task.Delay(Random.Shared.Next(50));
                }

                break;
            case 2:
                using (RawHost host = await RawHost.InitializedAsync(target))
                {
                    TrySend(host, RandomNumberGenerator.GetBytes(Random.Shared.Next(1, 5000)));
                }

                break;
            default:
                (RawHost admin, RawHost io) = await RawHost.IoAsync(target);
                using (admin)
                using (io)
                {
                    // An R2T that nobody answers, and a read whose data nobody takes.
                    TrySend(io, io.Capsule(NvmeCommand.Blocks(IoOpcode.Write, 1, 0, 32), 8, [], new(0, 16384, Sgl.ByTransport)));
                    TrySend(io, io.Capsule(NvmeCommand.Blocks(IoOpcode.Read, 1, 0, 128), 9, [], new(0, 65536, Sgl.ByTransport)));
                    TrySend(io, RandomNumberGenerator.GetBytes(Random.Shared.Next(1, 500)));
                }

                break;
        }
    }

    private static void TrySend(RawHost host, byte[] bytes)
    {
        try
        {
            host.Send(bytes);
        }
        catch (System.Net.Sockets.SocketException)
        {
            // The target has had enough of it.
        }
    }
}
