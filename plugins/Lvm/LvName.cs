namespace EveStorage.Lvm;

/// <summary>
/// A volume's name as LVM takes it, of the same length, and back. A volume's name has no capitals and no '+', so these
/// carry the escape: a hyphen becomes '+', which device-mapper does not double; a letter after '_' becomes a capital, which
/// parts it from LVM's own suffixes (<c>_tdata</c>), and so does the first of <c>snapshot…</c>, <c>pvmove…</c> and
/// <c>lvol…</c>. lvm(8). What is ours and no volume begins with another capital than these.
/// </summary>
internal static class LvName
{
    /// <summary>The thin pool.</summary>
    internal const string ThinPool = "Thinpool";

    /// <summary>LVM's own part of it that holds the data.</summary>
    internal const string ThinPoolData = $"{ThinPool}_tdata";

    /// <summary>The records.</summary>
    internal const string Records = "Records";

    /// <summary>The thin pool's metadata while it is made.</summary>
    internal const string Metadata = "Metadata";

    /// <summary>The longest suffix that LVM puts behind a name of ours: of a leg while it is extracted.</summary>
    private const string LongestSuffix = "_rimage_99_extracted_";

    /// <summary>The most characters of a volume group's name, hyphens doubled, so that every volume's device-mapper name fits.</summary>
    internal static int MaxGroupLength { get; } = DeviceMapper.MaxName - 1 - VolumeName.MaxLength - LongestSuffix.Length;

    private static readonly string[] s_reserved = ["snapshot", "pvmove", "lvol"];

    /// <summary>The logical volume of <paramref name="name"/>.</summary>
    internal static string Of(VolumeName name)
    {
        string text = name.ToString();
        char[] escaped = text.ToCharArray();
        for (int i = 0; i < escaped.Length; i++)
        {
            bool reserved = i == 0 ? s_reserved.Any(word => text.StartsWith(word, StringComparison.Ordinal)) : text[i - 1] == '_';
            escaped[i] = escaped[i] == '-' ? '+' : reserved ? char.ToUpperInvariant(escaped[i]) : escaped[i];
        }

        return new(escaped);
    }

    /// <summary>The volume that <see cref="Of"/> names <paramref name="logicalVolume"/>; null when there is none.</summary>
    internal static VolumeName? Parse(string logicalVolume)
        => VolumeName.TryParse(logicalVolume.ToLowerInvariant().Replace('+', '-'), out VolumeName name) && Of(name) == logicalVolume ? name : null;

    /// <summary>The logical volume of the snapshot <paramref name="id"/>. Its volume's name and its own stand in its tags.</summary>
    internal static string OfSnapshot(Guid id) => $"Frozen.{id:N}";

    /// <summary>What a rollback fills.</summary>
    internal static string Incoming(Guid operation) => $"Incoming.{operation:N}";

    /// <summary>What a thick volume is about to grow by.</summary>
    internal static string Growth(Guid operation) => $"Growth.{operation:N}";

    /// <summary>What a rollback has put aside.</summary>
    internal static string Outgoing(Guid operation) => $"Outgoing.{operation:N}";
}
