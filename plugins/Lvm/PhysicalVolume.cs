namespace EveStorage.Lvm;

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
