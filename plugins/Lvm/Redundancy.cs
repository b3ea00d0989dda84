namespace EveStorage.Lvm;

/// <summary>What redundancy is in LVM's words, and what it costs.</summary>
internal static class Redundancy
{
    /// <summary>The fewest drives that can give it.</summary>
    internal static int LeastDrives(PoolRedundancy redundancy) => redundancy switch
    {
        PoolRedundancy.Mirror => 2,
        PoolRedundancy.Parity => 3,
        PoolRedundancy.DoubleParity => 5,   // lvmraid(7): raid6 needs three stripes and two parities
        _ => 1,
    };

    /// <summary>The type of a logical volume over <paramref name="drives"/> drives, as words for lvcreate.</summary>
    internal static string[] Words(PoolRedundancy redundancy, int drives, int stripes) => redundancy switch
    {
        // All copies but one may be lost: more drives than two hold stripes of pairs, where they come out even.
        PoolRedundancy.Mirror when drives >= 4 && drives % 2 == 0 => ["--type", "raid10", "--mirrors", "1", "--stripes", $"{drives / 2}"],
        PoolRedundancy.Mirror => ["--type", "raid1", "--mirrors", $"{drives - 1}"],
        PoolRedundancy.Parity => ["--type", "raid5", "--stripes", $"{drives - 1}"],
        PoolRedundancy.DoubleParity => ["--type", "raid6", "--stripes", $"{drives - 2}"],
        _ when stripes > 1 => ["--type", "striped", "--stripes", $"{stripes}"],
        _ => ["--type", "linear"],
    };

    /// <summary>What small things of the pool are made as: copies on two or three drives, since stripes would round them up.</summary>
    internal static string[] SmallWords(PoolRedundancy redundancy, int drives) => redundancy switch
    {
        PoolRedundancy.None => ["--type", "linear"],
        PoolRedundancy.DoubleParity => ["--type", "raid1", "--mirrors", "2"],
        _ => ["--type", "raid1", "--mirrors", $"{Math.Min(drives, 3) - 1}"],
    };

    /// <summary>How much of <paramref name="raw"/> can hold data.</summary>
    internal static ByteSize Usable(ByteSize raw, PoolRedundancy redundancy, int drives) => redundancy switch
    {
        PoolRedundancy.Mirror when drives >= 4 && drives % 2 == 0 => new(raw.Bytes / 2),
        PoolRedundancy.Mirror => new(raw.Bytes / drives),
        PoolRedundancy.Parity => new(raw.Bytes / drives * (drives - 1)),
        PoolRedundancy.DoubleParity => new(raw.Bytes / drives * (drives - 2)),
        _ => raw,
    };
}
