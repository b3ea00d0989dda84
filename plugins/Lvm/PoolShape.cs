using System.Globalization;

namespace EveStorage.Lvm;

/// <summary>How a pool was made, as its volume group's tags keep it: it opens with these, never with today's options.</summary>
/// <param name="Redundancy">What it survives.</param>
/// <param name="Provisioning">Whether volumes are thin.</param>
/// <param name="Legs">Over how many drives one logical volume lies.</param>
/// <param name="Stripes">Over how many it is striped, without redundancy.</param>
internal sealed record PoolShape(PoolRedundancy Redundancy, LvmProvisioning Provisioning, int Legs, int Stripes)
{
    /// <summary>The type of what holds data, as words for lvcreate.</summary>
    internal string[] DataWords => EveStorage.Lvm.Redundancy.Words(Redundancy, Legs, Stripes);

    /// <summary>The type of records and metadata.</summary>
    internal string[] SmallWords => EveStorage.Lvm.Redundancy.SmallWords(Redundancy, Legs);

    /// <summary>How a person calls it: <c>thin raid1</c>.</summary>
    public override string ToString()
        => $"{(Provisioning == LvmProvisioning.Thin ? "thin" : "thick")} {DataWords[1]}";

    /// <summary>Reads it in tags.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: they don't say.</exception>
    internal static PoolShape Read(LvTags tags, string group)
        => Enum.TryParse(tags["redundancy"], out PoolRedundancy redundancy) && Enum.TryParse(tags["provisioning"], out LvmProvisioning provisioning)
            && int.TryParse(tags["legs"], CultureInfo.InvariantCulture, out int legs) && int.TryParse(tags["stripes"], CultureInfo.InvariantCulture, out int stripes)
            ? new(redundancy, provisioning, legs, stripes)
            : throw new StorageException(StorageErrorKind.Corrupt, group, "has our mark and lacks the tags that say how it was made");

    /// <summary>It as tags.</summary>
    internal string[] Tags()
        => [LvTags.Tag("redundancy", Redundancy), LvTags.Tag("provisioning", Provisioning), LvTags.Tag("legs", Legs), LvTags.Tag("stripes", Stripes)];
}
