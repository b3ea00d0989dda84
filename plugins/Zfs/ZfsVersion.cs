using System.Globalization;

namespace EveStorage.Zfs;

/// <summary>A version of OpenZFS, as its kernel module and its programs have it: <c>2.3.2-2~bpo12+2</c> is 2.3.</summary>
internal readonly record struct ZfsVersion(int Major, int Minor)
{
    /// <summary>The oldest that has all that is used here.</summary>
    internal static ZfsVersion Oldest { get; } = new(2, 1);

    /// <summary>The newest whose words are known.</summary>
    internal static ZfsVersion Newest { get; } = new(2, 4);

    /// <summary>Those on which every promise of a pool was tried.</summary>
    internal static IReadOnlyList<ZfsVersion> Verified { get; } = [new(2, 1), new(2, 3)];

    /// <summary>Whether status is told as JSON: <c>zpool status -j</c>.</summary>
    internal bool HasJson => this >= new ZfsVersion(2, 3);

    /// <summary>Whether a raidz takes another drive: <c>zpool attach POOL raidz1-0 DRIVE</c>.</summary>
    internal bool HasRaidzExpansion => this >= new ZfsVersion(2, 3);

    /// <summary>Whether <paramref name="left"/> is newer, or the same.</summary>
    public static bool operator >=(ZfsVersion left, ZfsVersion right) => (left.Major, left.Minor).CompareTo((right.Major, right.Minor)) >= 0;

    /// <summary>Whether <paramref name="left"/> is older, or the same.</summary>
    public static bool operator <=(ZfsVersion left, ZfsVersion right) => right >= left;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Major}.{Minor}");

    /// <summary>Reads what <c>/sys/module/zfs/version</c> holds, or a line of <c>zfs version</c>; null when it is another thing.</summary>
    internal static ZfsVersion? Read(string? text)
    {
        string[] parts = (text ?? "").Trim().Split('.', 3);
        string major = parts[0].Split('-')[^1];
        string minor = parts.Length < 2 ? "" : new([.. parts[1].TakeWhile(char.IsAsciiDigit)]);
        return int.TryParse(major, NumberStyles.None, CultureInfo.InvariantCulture, out int first)
            && int.TryParse(minor, NumberStyles.None, CultureInfo.InvariantCulture, out int second)
            ? new(first, second)
            : null;
    }
}
