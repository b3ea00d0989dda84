namespace EveStorage.Lvm;

/// <summary>When a volume takes its space.</summary>
public enum LvmProvisioning
{
    /// <summary>When it is written: one thin pool holds all volumes.</summary>
    Thin,

    /// <summary>When it is made: each volume is a logical volume of its own, without snapshots.</summary>
    Thick,
}

/// <summary>How a pool of logical volumes is made and looked after. What is about making is fixed once the pool is there.</summary>
public sealed class LvmOptions
{
    /// <summary>The volume group; <c>evestorage-</c> and the pool's name when absent.</summary>
    public string? VolumeGroup { get; set; }

    /// <summary>When volumes take their space.</summary>
    public LvmProvisioning Provisioning { get; set; } = LvmProvisioning.Thin;

    /// <summary>What volumes' sizes are multiples of.</summary>
    public ByteSize ExtentSize { get; set; } = ByteSize.MiB(1);

    /// <summary>The thin pool's chunk; chosen by the pool's size when absent.</summary>
    public ByteSize? ChunkSize { get; set; }

    /// <summary>The thin pool's metadata; enough for every chunk twice when absent.</summary>
    public ByteSize? MetadataSize { get; set; }

    /// <summary>Over how many drives data is striped, where there is no redundancy; 1 fills one drive after the other.</summary>
    public int Stripes { get; set; } = 1;

    /// <summary>Whether a write to a full thin pool fails at once. Otherwise it waits for room, up to a minute.</summary>
    public bool ErrorWhenFull { get; set; } = true;

    /// <summary>Whether a discard reaches the drives.</summary>
    public bool DiscardPassdown { get; set; } = true;

    /// <summary>How many times its size a thin pool may promise to its volumes; no limit when absent.</summary>
    public double? Overcommit { get; set; }

    /// <summary>How many volumes the pool holds at most: their records are given room when the pool is made.</summary>
    public int MaxVolumes { get; set; } = 256;

    /// <summary>How often an open thin pool looks whether its metadata has to grow.</summary>
    public TimeSpan WatchInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a change waits for another one of the same pool.</summary>
    public TimeSpan LockTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Where locks lie and LVM finds an empty configuration: below /run, so that the root may be read-only.</summary>
    public string RunDirectory { get; set; } = "/run/evestorage/lvm";

    /// <summary>The volume group of the pool <paramref name="name"/>.</summary>
    internal string GroupOf(PoolName name) => VolumeGroup ?? $"evestorage-{name}";
}
