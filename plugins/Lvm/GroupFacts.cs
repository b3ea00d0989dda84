namespace EveStorage.Lvm;

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
