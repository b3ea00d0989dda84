namespace EveStorage.Conformance;

/// <summary>One promise of a backend, checked by running it. Each case finds no pool, and its maker removes the one that it leaves.</summary>
/// <param name="Name">The promise as a sentence.</param>
/// <param name="CheckAsync">Throws <see cref="ConformanceException"/> when the promise is broken.</param>
public sealed record BackendCase(string Name, Func<BackendBench, CancellationToken, Task> CheckAsync)
{
    /// <summary>Whether it needs a place where something foreign can be put.</summary>
    public bool IsAboutForeign { get; init; }

    /// <summary>Checked only of a backend that claims these traits.</summary>
    public VolumeTraits Needs { get; init; }

    /// <summary>Whether <paramref name="bench"/>'s backend, which claims <paramref name="traits"/>, can be held to it.</summary>
    public bool AppliesTo(BackendBench bench, VolumeTraits traits)
    {
        ArgumentNullException.ThrowIfNull(bench);
        return (traits & Needs) == Needs && (!IsAboutForeign || bench.Foreign is not null);
    }
}

/// <summary>A backend, and the place where it makes a pool to be checked.</summary>
public sealed record BackendBench
{
    /// <summary>Makes the backend anew, as another process has it.</summary>
    public required Func<IStorageBackend> Make { get; init; }

    /// <summary>The pool to make. Nothing else is touched.</summary>
    public required PoolSpec Spec { get; init; }

    /// <summary>Runs a plan as the host does.</summary>
    public required RunPlan Run { get; init; }

    /// <summary>Something that is not the backend's, where the pool is to be; null when there is nothing to put there.</summary>
    public IForeignThing? Foreign { get; init; }
}

/// <summary>Something in a pool's place that its backend has no part in.</summary>
public interface IForeignThing
{
    /// <summary>Puts it there.</summary>
    ValueTask PutAsync(CancellationToken cancellationToken);

    /// <summary>Whether it is there, byte for byte.</summary>
    ValueTask<bool> IsThereAsync(CancellationToken cancellationToken);

    /// <summary>Takes it away again.</summary>
    ValueTask RemoveAsync(CancellationToken cancellationToken);
}
