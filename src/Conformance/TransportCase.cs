namespace EveStorage.Conformance;

/// <summary>One promise of a transport, checked by running it. Each case wants a transport that serves nothing yet.</summary>
/// <param name="Name">The promise as a sentence.</param>
/// <param name="CheckAsync">Throws <see cref="ConformanceException"/> when the promise is broken.</param>
public sealed record TransportCase(string Name, Func<TransportBench, CancellationToken, Task> CheckAsync)
{
    /// <summary>Whether it is about who connects, which a transport for this machine's programs can't tell.</summary>
    public bool IsAboutHosts { get; init; }

    /// <summary>Whether <paramref name="bench"/>'s transport promises it.</summary>
    public bool AppliesTo(TransportBench bench) => !IsAboutHosts || !bench.Transport.Capabilities.IsLocal;
}

/// <summary>A transport and what it takes to check it: volumes to serve, hosts to serve them to, and how plans are run.</summary>
public sealed record TransportBench
{
    /// <summary>The transport.</summary>
    public required IVolumeTransport Transport { get; init; }

    /// <summary>Whether each host of a subsystem sees only the exports that name it. Where not, other hosts than the subsystem's are refused.</summary>
    public bool HidesFromOtherHosts { get; init; } = true;

    /// <summary>Whether there are read-only exports. Where not, they are refused.</summary>
    public bool ServesReadOnly { get; init; } = true;

    /// <summary>Runs a plan as the host does.</summary>
    public required RunPlan Run { get; init; }

    /// <summary>Makes a volume of that size, full of zeros. The bench's owner removes it.</summary>
    public required Func<ByteSize, CancellationToken, ValueTask<ITransportVolume>> MakeVolumeAsync { get; init; }

    /// <summary>Connects a host to a subsystem of the transport; null when the transport refuses it.</summary>
    public required Func<HostNqn, Nqn, CancellationToken, ValueTask<ITransportHost?>> ConnectAsync { get; init; }

    /// <summary>Asks the transport for an export beside another's hosts: what it says is what <see cref="HidesFromOtherHosts"/> is to be.</summary>
    public async ValueTask<bool> MasksAsync(CancellationToken cancellationToken)
    {
        if (Transport.Capabilities.IsLocal)
        {
            return false;
        }

        TransportTrial trial = new(this);
        await trial.ExportAsync(TransportTrial.Spec(1), cancellationToken);
        bool masks = await TakesAsync(trial, TransportTrial.Spec(2, TransportTrial.Host, TransportTrial.OtherHost), cancellationToken);
        await trial.EndAsync(TransportTrial.Spec(1), cancellationToken);
        return masks;
    }

    /// <summary>Asks the transport for a read-only export: what it says is what <see cref="ServesReadOnly"/> is to be.</summary>
    public async ValueTask<bool> RefusesWritesAsync(CancellationToken cancellationToken)
        => await TakesAsync(new(this), TransportTrial.Spec(1) with { ReadOnly = true }, cancellationToken);

    private static async Task<bool> TakesAsync(TransportTrial trial, ExportSpec spec, CancellationToken cancellationToken)
    {
        try
        {
            await trial.PlanAsync(spec, cancellationToken);
            return true;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotSupported)
        {
            return false;
        }
    }
}

/// <summary>A volume for a transport to serve.</summary>
public interface ITransportVolume
{
    /// <summary>How to reach it.</summary>
    VolumeAccess Access { get; }

    /// <summary>Makes it larger, as the pool would.</summary>
    ValueTask GrowAsync(ByteSize size, CancellationToken cancellationToken);
}

/// <summary>A host that is connected: our initiator, or a kernel.</summary>
public interface ITransportHost : IAsyncDisposable
{
    /// <summary>The numbers of the namespaces it sees, ascending.</summary>
    ValueTask<IReadOnlyList<int>> ListAsync(CancellationToken cancellationToken);

    /// <summary>The id that a namespace has for it.</summary>
    ValueTask<Guid> GetIdAsync(int number, CancellationToken cancellationToken);

    /// <summary>The size that a namespace has for it.</summary>
    ValueTask<ByteSize> GetSizeAsync(int number, CancellationToken cancellationToken);

    /// <summary>Reads.</summary>
    /// <exception cref="StorageException">The transport did not let it.</exception>
    ValueTask ReadAsync(int number, long offset, Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>Writes, and flushes.</summary>
    /// <exception cref="StorageException">The transport did not let it.</exception>
    ValueTask WriteAsync(int number, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken);

    /// <summary>Waits until the transport tells that namespaces changed, and takes note of it.</summary>
    ValueTask WaitForChangeAsync(CancellationToken cancellationToken);
}
