using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>The room of a thin pool's metadata: it grows from what the pool kept free for it, before it is full.</summary>
internal static class ThinPoolRoom
{
    /// <summary>From here on, in percent, no new volume is promised.</summary>
    internal const double FullMetadata = 90;

    // From here on it grows, if there is room to.
    private const double TightMetadata = 75;

    /// <summary>Whether metadata gets tight.</summary>
    internal static bool IsTight(LogicalVolume thin) => thin.MetadataPercent >= TightMetadata;

    /// <summary>Every logical volume, after the metadata has grown if it had to. The caller holds the pool's lock.</summary>
    internal static async Task<IReadOnlyList<LogicalVolume>> ListAsync(LvmThinPool pool, CancellationToken cancellationToken)
    {
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
        return await GrowMetadataAsync(pool, all, cancellationToken) ? await pool.Group.ListCommittedAsync(cancellationToken) : all;
    }

    /// <summary>Grows the metadata by its half if it gets tight. The caller holds the pool's lock.</summary>
    /// <returns>Whether it has grown.</returns>
    internal static async Task<bool> GrowMetadataAsync(LvmThinPool pool, IReadOnlyList<LogicalVolume> all, CancellationToken cancellationToken)
    {
        LogicalVolume thin = pool.PoolIn(all);
        ByteSize most = ThinPoolLayout.MostMetadata;
        if (!IsTight(thin) || thin.MetadataSize >= most)
        {
            return false;
        }

        GroupFacts facts = await pool.Group.RequireAsync(cancellationToken);
        long copies = pool.Shape.Redundancy == PoolRedundancy.None ? 1 : Math.Min(pool.Shape.Legs, 3);
        ByteSize more = new(Math.Min(thin.MetadataSize.Bytes / 2, most.Bytes - thin.MetadataSize.Bytes) / facts.Extent.Bytes * facts.Extent.Bytes);

        // LVM's spare for repairs grows with it.
        if (more.Bytes == 0 || facts.Free.Bytes < more.Bytes * (copies + 1))
        {
            return false;
        }

        try
        {
            await pool.Group.RunAsync("lvextend", ["--yes", "--poolmetadatasize", $"+{more.Bytes}b", pool.Group.Subject(LvName.ThinPool)], cancellationToken);
            return true;
        }
        catch (CommandException)
        {
            return false;   // the room does not lie where it is needed: then it stays tight, and status says so
        }
    }
}
