using EveStorage.Conformance;
using EveStorage.NvmeOf;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The promises of every transport, checked over the wire.</summary>
public sealed class ConformanceTests
{
    public static TheoryData<string> Names => [.. TransportConformance.Cases.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task The_target_keeps_its_promise(string name)
    {
        await using TestTarget target = new();
        TransportBench bench = new()
        {
            Transport = target.Transport,
            Run = RunningPlans.RunAsync,
            MakeVolumeAsync = static (size, _) => new(new Volume(new((int)size.Bytes))),
            ConnectAsync = (host, subsystem, cancellationToken) => ConnectAsync(target, host, subsystem, cancellationToken),
        };

        await TransportConformance.Cases.Single(c => c.Name == name).CheckAsync(bench, CancellationToken.None);
    }

    private static async ValueTask<ITransportHost?> ConnectAsync(TestTarget target, HostNqn host, Nqn subsystem, CancellationToken cancellationToken)
    {
        try
        {
            return new Host(await NvmeTcpInitiator.ConnectAsync(target.Options(host) with { Subsystem = subsystem }, cancellationToken));
        }
        catch (NvmeCommandException e) when (e.Status.Is(NvmeStatus.ConnectInvalidHost) || e.Status.Is(NvmeStatus.ConnectInvalidParameters))
        {
            return null;
        }
    }

    private sealed class Volume(MemoryBlocks blocks) : ITransportVolume
    {
        public VolumeAccess Access => TestTarget.Access(blocks);

        public ValueTask GrowAsync(ByteSize size, CancellationToken cancellationToken)
        {
            blocks.Grow((int)size.Bytes);
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Host(NvmeTcpInitiator initiator) : ITransportHost
    {
        public async ValueTask<IReadOnlyList<int>> ListAsync(CancellationToken cancellationToken)
            => [.. (await initiator.ListNamespacesAsync(cancellationToken)).Select(n => (int)n)];

        public async ValueTask<Guid> GetIdAsync(int number, CancellationToken cancellationToken)
            => (await initiator.IdentifyNamespaceAsync((uint)number, cancellationToken)).Id;

        public async ValueTask<ByteSize> GetSizeAsync(int number, CancellationToken cancellationToken)
            => (await initiator.IdentifyNamespaceAsync((uint)number, cancellationToken)).Size;

        public ValueTask ReadAsync(int number, long offset, Memory<byte> destination, CancellationToken cancellationToken)
            => initiator.ReadAsync((uint)number, offset, destination, cancellationToken);

        public async ValueTask WriteAsync(int number, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
        {
            await initiator.WriteAsync((uint)number, offset, data, WriteDurability.Cached, cancellationToken);
            await initiator.FlushAsync((uint)number, cancellationToken);
        }

        public async ValueTask WaitForChangeAsync(CancellationToken cancellationToken)
        {
            (await initiator.Events.ReadAsync(cancellationToken)).ShouldBe(AsyncEvent.NamespacesChanged);
            await initiator.GetLogPageAsync(LogPage.ChangedNamespaces, 4096, 0, cancellationToken);
        }

        public ValueTask DisposeAsync() => initiator.DisposeAsync();
    }
}
