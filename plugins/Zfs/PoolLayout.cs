namespace EveStorage.Zfs;

/// <summary>How a pool's drives are put together: always all of one kind, since the weakest decides what a pool survives.</summary>
internal static class PoolLayout
{
    /// <summary>The fewest drives.</summary>
    internal static int LeastDrives(PoolRedundancy redundancy, int parity)
        => redundancy switch
        {
            PoolRedundancy.None => 1,
            PoolRedundancy.Mirror => 2,
            _ => parity + 2,   // one fewer would be a mirror, at a mirror's cost and without its speed
        };

    /// <summary>How many drives of a group may fail.</summary>
    internal static int ParityOf(PoolRedundancy redundancy, int? asked)
        => redundancy switch { PoolRedundancy.Parity => asked ?? 1, PoolRedundancy.DoubleParity => asked ?? 2, _ => 0 };

    /// <summary>Drives as words for <c>zpool create</c>: mirrors are pairs, where that comes out even.</summary>
    internal static IReadOnlyList<string> Words(PoolRedundancy redundancy, int parity, IReadOnlyList<string> devices)
        => redundancy switch
        {
            PoolRedundancy.None => devices,
            PoolRedundancy.Mirror when devices.Count >= 4 && devices.Count % 2 == 0 => [.. devices.Chunk(2).SelectMany(pair => (string[])["mirror", .. pair])],
            PoolRedundancy.Mirror => ["mirror", .. devices],
            _ => [$"raidz{parity}", .. devices],
        };
}
