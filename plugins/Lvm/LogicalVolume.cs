namespace EveStorage.Lvm;

/// <summary>A logical volume as LVM reports it.</summary>
internal sealed record LogicalVolume
{
    /// <summary>What is asked of <c>lvs</c>.</summary>
    internal const string Fields = "lv_name,lv_size,lv_tags,lv_role,lv_device_open,lv_active,thin_id,data_percent,metadata_percent,lv_metadata_size,"
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

/// <summary>A volume group as LVM reports it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Uuid">LVM's own id of it.</param>
/// <param name="Tags">Our marks.</param>
/// <param name="Size">What it holds.</param>
/// <param name="Free">What is in no logical volume.</param>
/// <param name="Extent">What sizes are multiples of.</param>
internal sealed record GroupFacts(string Name, string Uuid, LvTags Tags, ByteSize Size, ByteSize Free, ByteSize Extent)
{
    /// <summary>What is asked of <c>vgs</c>.</summary>
    internal const string Fields = "vg_name,vg_uuid,vg_tags,vg_size,vg_free,vg_extent_size";

    /// <summary>Reads a row of <see cref="Fields"/>.</summary>
    internal static GroupFacts Read(LvmRow row)
        => new(row["vg_name"], row["vg_uuid"], LvTags.Read(row["vg_tags"]), row.Size("vg_size"), row.Size("vg_free"), row.Size("vg_extent_size"));
}

/// <summary>A physical volume as LVM reports it.</summary>
/// <param name="Path">Its device; what LVM writes for one that is missing is no path.</param>
/// <param name="Uuid">LVM's own id of it.</param>
/// <param name="Group">The name of its volume group; empty when it has none.</param>
/// <param name="GroupUuid">LVM's own id of that.</param>
/// <param name="GroupTags">Our marks on that.</param>
/// <param name="Size">What it holds.</param>
/// <param name="Used">What of it is in logical volumes.</param>
/// <param name="IsMissing">Whether its device is not there.</param>
/// <param name="Tags">Our marks on it.</param>
internal sealed record PhysicalVolume(string Path, string Uuid, string Group, string GroupUuid, LvTags GroupTags, ByteSize Size, ByteSize Used, bool IsMissing, LvTags Tags)
{
    /// <summary>What is asked of <c>pvs</c>.</summary>
    internal const string Fields = "pv_name,pv_uuid,vg_name,vg_uuid,vg_tags,pv_size,pv_used,pv_missing,pv_tags";

    /// <summary>Reads a row of <see cref="Fields"/>.</summary>
    internal static PhysicalVolume Read(LvmRow row)
        => new(row["pv_name"], row["pv_uuid"], row["vg_name"], row["vg_uuid"], LvTags.Read(row["vg_tags"]), row.Size("pv_size"), row.Size("pv_used"), row["pv_missing"] == "missing", LvTags.Read(row["pv_tags"]));
}
