using System.Text.RegularExpressions;
using EveStorage.Host.Profiles;

namespace EveStorage.Host.FileSystems;

/// <summary>Where file systems are mounted: beneath one directory of this machine, by names that a record may hold.</summary>
internal static partial class MountPoints
{
    private const int MaxLength = 255;

    /// <summary>Whether <paramref name="at"/> is such a name: names with slashes between them, none of which goes up.</summary>
    internal static bool Allows(string at) => at.Length <= MaxLength && Name.IsMatch(at);

    /// <summary>The name of a place that a person typed: a name beneath the directory, or a path in it.</summary>
    /// <exception cref="StorageException">It is none.</exception>
    internal static string Parse(string text, Profile profile, string subject)
    {
        string directory = $"{profile.FileSystems.Directory}/";
        string at = Path.TrimEndingDirectorySeparator(text.StartsWith(directory, StringComparison.Ordinal) ? text[directory.Length..] : text);
        return Allows(at)
            ? at
            : throw new StorageException(
                StorageErrorKind.InvalidConfiguration, subject,
                $"can't be mounted at '{text}': it is a name beneath {profile.FileSystems.Directory}, of letters, digits, '.', '_' and '-', with slashes between names (FileSystems:Directory says beneath which directory)");
    }

    /// <summary>Where a record wants it; null when it is not to be mounted, or the record's name would lead elsewhere.</summary>
    internal static MountSpec? SpecOf(MountRecord? record, Profile profile)
        => record is { Wanted: true } && Allows(record.At) ? new() { Root = profile.FileSystems.Directory, At = record.At, ReadOnly = record.ReadOnly } : null;

    /// <summary>How deep it lies: what lies beneath another is mounted after it, and unmounted before.</summary>
    internal static int DepthOf(MountRecord? record) => record?.At.Count(c => c == '/') ?? 0;

    /// <summary>Whether one place lies beneath another.</summary>
    internal static bool IsBeneath(string at, string other) => at.StartsWith($"{other}/", StringComparison.Ordinal);

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*\z")]
    private static partial Regex Name { get; }
}
