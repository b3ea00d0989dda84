namespace EveStorage.Zfs;

/// <summary>What of a pool's data ARC, the memory that ZFS caches in, keeps.</summary>
public enum ZfsCache
{
    /// <summary>Data and metadata.</summary>
    All,

    /// <summary>Metadata alone: guests cache their data themselves.</summary>
    Metadata,
}

/// <summary>What the log of synchronous writes is best at: zfsprops(7), logbias.</summary>
public enum ZfsLogBias
{
    /// <summary>That a write is soon done.</summary>
    Latency,

    /// <summary>That drives write little twice.</summary>
    Throughput,
}

/// <summary>How a ZFS pool is made and looked after. What is about making is fixed once the pool is there.</summary>
public sealed class ZfsOptions
{
    /// <summary>ZFS's own name for the pool; <c>evestorage-</c> and the pool's name when absent.</summary>
    public string? Pool { get; set; }

    /// <summary>The power of two that is the smallest write of a drive.</summary>
    public int Ashift { get; set; } = 12;

    /// <summary>How many drives of a group may fail: 1, 2 or 3; by <see cref="PoolSpec.Redundancy"/> when absent.</summary>
    public int? ParityDrives { get; set; }

    /// <summary>The unit that a volume is kept in: what its size is a multiple of.</summary>
    public ByteSize VolumeBlockSize { get; set; } = new(16 << 10);

    /// <summary>How data is compressed: <c>off</c>, <c>lz4</c>, <c>zstd</c>, <c>zstd-1</c> to <c>zstd-19</c>.</summary>
    public string Compression { get; set; } = "lz4";

    /// <summary>How the data of file systems is compressed, in the same words; as <see cref="Compression"/> when absent.</summary>
    public string? FileSystemCompression { get; set; }

    /// <summary>What ZFS keeps in memory of what is read.</summary>
    public ZfsCache PrimaryCache { get; set; } = ZfsCache.All;

    /// <summary>What the log of synchronous writes is best at.</summary>
    public ZfsLogBias LogBias { get; set; } = ZfsLogBias.Latency;

    /// <summary>Whether ZFS keeps a second copy of the most important metadata alone, instead of all of it.</summary>
    public bool LessRedundantMetadata { get; set; }

    /// <summary>Whether what is freed is given back to the drives as it goes.</summary>
    public bool AutoTrim { get; set; }

    /// <summary>How volumes are encrypted: <c>off</c>, <c>aes-128-gcm</c>, <c>aes-256-gcm</c>.</summary>
    public string Encryption { get; set; } = "off";

    /// <summary>The name of the key; <c>pool-</c> and the pool's name when absent.</summary>
    public string? Key { get; set; }

    /// <summary>How long a change waits for another one of the same pool.</summary>
    public TimeSpan LockTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a change waits for whoever has a volume open for a moment, as udev does.</summary>
    public TimeSpan BusyTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Where locks lie: below /run, so that the root may be read-only.</summary>
    public string RunDirectory { get; set; } = "/run/evestorage/zfs";

    /// <summary>Whether volumes are encrypted.</summary>
    internal bool IsEncrypted => Encryption != "off";

    /// <summary>ZFS's name of the pool <paramref name="name"/>.</summary>
    internal string PoolOf(PoolName name) => Pool ?? $"evestorage-{name}";

    /// <summary>The key of the pool <paramref name="name"/>.</summary>
    internal KeyName KeyOf(PoolName name) => new(Key ?? $"pool-{name}");
}
