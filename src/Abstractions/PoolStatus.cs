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

    /// <summary>The sizes of its volumes together: more than <see cref="Size"/> where they are thin and promised more than there is.</summary>
    public ByteSize? Provisioned { get; init; }

    /// <summary>What its volumes and snapshots hold as their users see it, before it is compressed; null where nothing compresses, or the backend does not count it.</summary>
    public ByteSize? Logical { get; init; }

    /// <summary>What is taken by snapshots alone, and would be free without them; null where the backend does not count it.</summary>
    public ByteSize? AllocatedBySnapshots { get; init; }

    /// <summary>What the backend keeps its own tables in, where that can fill by itself; null where it can't.</summary>
    public SpaceUse? Metadata { get; init; }

    /// <summary>The drives it is made of; empty where it knows none, as in a directory.</summary>
    public IReadOnlyList<DriveStatus> Drives { get; init; } = [];

    /// <summary>The check or rebuilding of redundancy that runs, or the last one; null when there was none.</summary>
    public ScrubStatus? Scrub { get; init; }

    /// <summary>The telling of drives which of their space is not used that goes on, or the last one; null when there was none.</summary>
    public TrimStatus? Trim { get; init; }

    /// <summary>
    /// Memory that the kernel keeps for the backend, as ZFS keeps its cache: how much it may take at most, and takes now, for all
    /// pools of that kind together; null where it takes none that would be missed.
    /// </summary>
    public SpaceUse? ReservedMemory { get; init; }

    /// <summary>Everything wrong, one fact a line, each with what to do; empty when healthy.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];
}

/// <summary>How full something is.</summary>
/// <param name="Size">What it holds at most.</param>
/// <param name="Used">What is taken.</param>
public readonly record struct SpaceUse(ByteSize Size, ByteSize Used);

/// <summary>A drive of a pool.</summary>
public sealed record DriveStatus
{
    /// <summary>How it is called for life: its world-wide name or serial number; the device's path where it has neither.</summary>
    public required string Name { get; init; }

    /// <summary>The device's path now; null when it is missing.</summary>
    public required string? Path { get; init; }

    /// <summary>How it is: failed when it is missing or the pool no longer uses it.</summary>
    public required PoolHealth Health { get; init; }

    /// <summary>Its size; null when it is missing.</summary>
    public ByteSize? Size { get; init; }

    /// <summary>How much of the life that its maker promises is used, in percent, which may exceed 100; null where it can't tell.</summary>
    public int? WearPercent { get; init; }

    /// <summary>Why it is not healthy, and what to do; null when it is.</summary>
    public string? Problem { get; init; }
}

/// <summary>A reading of all that a pool holds, to find what has rotted.</summary>
public sealed record ScrubStatus
{
    /// <summary>Whether it runs now.</summary>
    public required bool Running { get; init; }

    /// <summary>How far it is, in percent; null when unknown.</summary>
    public double? Percent { get; init; }

    /// <summary>How many places did not agree; null when that is not known.</summary>
    public long? Errors { get; init; }

    /// <summary>Whether it was interrupted, and goes on when it is started again.</summary>
    public bool Paused { get; init; }

    /// <summary>When the last one ended; null when none did, or that is not known.</summary>
    public DateTimeOffset? Ended { get; init; }
}

/// <summary>Telling drives which of their space is not used.</summary>
public sealed record TrimStatus
{
    /// <summary>Whether it runs now.</summary>
    public required bool Running { get; init; }

    /// <summary>Whether it was interrupted, and goes on when it is started again.</summary>
    public bool Paused { get; init; }

    /// <summary>How far it is, in percent; null when unknown.</summary>
    public double? Percent { get; init; }

    /// <summary>When the last one ended; null when none did.</summary>
    public DateTimeOffset? Ended { get; init; }
}
