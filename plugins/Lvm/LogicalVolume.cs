namespace EveStorage.Lvm;

/// <summary>A logical volume as LVM reports it.</summary>
internal sealed record LogicalVolume
{
    /// <summary>What is asked of <c>lvs</c>.</summary>
    internal const string Fields = "lv_name,lv_size,lv_tags,lv_role,lv_device_open,lv_active,thin_id,transaction_id,origin,data_percent,metadata_percent,lv_metadata_size,"
        + "lv_health_status,lv_check_needed,raid_sync_action,raid_mismatch_count,sync_percent";

    /// <summary>Its name, without the brackets of one that is hidden.</summary>
    internal required string Name { get; init; }

    /// <summary>Its size.</summary>
    internal required ByteSize Size { get; init; }

    /// <summary>Our marks.</summary>
    internal required LvTags Tags { get; init; }

    /// <summary>Whether it is no part of another.</summary>
    internal required bool IsPublic { get; init; }

    /// <summary>Whether somebody has its device open.</summary>
    internal required bool IsOpen { get; init; }

    /// <summary>Whether its device is there.</summary>
    internal required bool IsActive { get; init; }

    /// <summary>The number of its thin device in the pool; null when it is not thin.</summary>
    internal required long? ThinId { get; init; }

    /// <summary>Of a thin pool, the number of its last transaction; of a thin volume, that of the one before it was made; null of others.</summary>
    internal required long? Transaction { get; init; }

    /// <summary>What a snapshot was taken of, while that is there; empty for none.</summary>
    internal required string Origin { get; init; }

    /// <summary>How much of it is taken, in percent; null when it is inactive or not thin.</summary>
    internal required double? DataPercent { get; init; }

    /// <summary>How much of a pool's metadata is taken.</summary>
    internal required double? MetadataPercent { get; init; }

    /// <summary>The size of a pool's metadata.</summary>
    internal required ByteSize MetadataSize { get; init; }

    /// <summary>What is wrong with it, in LVM's words: <c>out_of_data</c>, <c>partial</c>, <c>refresh needed</c>; empty when nothing.</summary>
    internal required string Health { get; init; }

    /// <summary>Whether the kernel takes no writes to a thin pool's metadata before it has been repaired.</summary>
    internal required bool NeedsCheck { get; init; }

    /// <summary>What a redundant one does now: <c>idle</c>, <c>check</c>, <c>resync</c>, <c>recover</c>; empty when it is not redundant or inactive.</summary>
    internal required string SyncAction { get; init; }

    /// <summary>How many sectors did not agree in the last check.</summary>
    internal required long? Mismatches { get; init; }

    /// <summary>How far it is.</summary>
    internal required double? SyncPercent { get; init; }

    /// <summary>Whether it is a thin volume or a thin snapshot.</summary>
    internal bool IsThin => ThinId is not null;

    /// <summary>Reads a row of <see cref="Fields"/>.</summary>
    internal static LogicalVolume Read(LvmRow row) => new()
    {
        Name = row["lv_name"].Trim('[', ']'),
        Size = row.Size("lv_size"),
        Tags = LvTags.Read(row["lv_tags"]),
        IsPublic = !row["lv_name"].StartsWith('['),
        IsOpen = row["lv_device_open"] == "open",
        IsActive = row["lv_active"] == "active",
        ThinId = row.Long("thin_id"),
        Transaction = row.Long("transaction_id"),
        Origin = row["origin"].Trim('[', ']'),
        DataPercent = row.Percent("data_percent"),
        MetadataPercent = row.Percent("metadata_percent"),
        MetadataSize = row.Size("lv_metadata_size"),
        Health = row["lv_health_status"],
        NeedsCheck = row["lv_check_needed"] == "check needed",
        SyncAction = row["raid_sync_action"],
        Mismatches = row.Long("raid_mismatch_count"),
        SyncPercent = row.Percent("sync_percent"),
    };
}
