using Microsoft.Extensions.Logging;

namespace EveStorage;

/// <summary>What a running step may use of its host.</summary>
/// <param name="Request">The operation it belongs to.</param>
/// <param name="Logger">The log of the operation.</param>
/// <param name="Progress">Where long steps report.</param>
/// <param name="Time">The clock.</param>
public sealed record OperationContext(OperationRequest Request, ILogger Logger, IProgress<StepProgress> Progress, TimeProvider Time)
{
    /// <summary>The mark for all that this operation makes.</summary>
    public OwnerMark Mark => OwnerMark.Of(Request.Id);

    /// <summary>The id drawn for the volume <paramref name="name"/>.</summary>
    /// <exception cref="InvalidOperationException">The request drew none: the operation does not make that volume.</exception>
    public Guid IdOf(VolumeName name) => Drawn($"{name}");

    /// <summary>The id drawn for the snapshot <paramref name="name"/>.</summary>
    /// <exception cref="InvalidOperationException">The request drew none: the operation does not take that snapshot.</exception>
    public Guid IdOf(SnapshotName name) => Drawn($"{name}");

    /// <summary>The id drawn for the pool <paramref name="name"/>.</summary>
    /// <exception cref="InvalidOperationException">The request drew none: the operation does not make that pool.</exception>
    public Guid IdOf(PoolName name) => Drawn($"pool:{name}");

    private Guid Drawn(string name)
        => Request.Ids.TryGetValue(name, out Guid id) ? id : throw new InvalidOperationException($"The operation draws no id for {name}.");
}

/// <summary>How far a step is.</summary>
/// <param name="Title">The step's title.</param>
/// <param name="Done">Bytes done.</param>
/// <param name="Total">Bytes in all; null when not known.</param>
public readonly record struct StepProgress(string Title, ByteSize Done, ByteSize? Total);
