namespace EveStorage;

/// <summary>How a pool is, in the words of every backend.</summary>
public enum PoolHealth
{
    /// <summary>All is well.</summary>
    Healthy,

    /// <summary>It serves, and has less redundancy or room than it should.</summary>
    Degraded,

    /// <summary>It does not serve.</summary>
    Failed,
}

/// <summary>A pool's health and space.</summary>
public sealed record PoolStatus
{
    /// <summary>How it is.</summary>
    public required PoolHealth Health { get; init; }

    /// <summary>What it holds at most.</summary>
    public required ByteSize Size { get; init; }

    /// <summary>What its volumes and snapshots take.</summary>
    public required ByteSize Used { get; init; }

    /// <summary>What can still be written.</summary>
    public required ByteSize Free { get; init; }

    /// <summary>Everything wrong, one fact a line, each with what to do; empty when healthy.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];
}
