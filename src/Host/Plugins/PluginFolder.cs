using System.Security.Cryptography;
using System.Text;
using EveStorage.Linux;

namespace EveStorage.Host.Plugins;

/// <summary>Whether a folder may be trusted to hold code that runs with the host's rights.</summary>
internal static class PluginFolder
{
    /// <summary>
    /// Refuses a folder, or a file in it, that somebody else can write; and a folder above it up to the one of
    /// <paramref name="roots"/> that it was found in, since who can write there can put another in its place.
    /// </summary>
    /// <exception cref="StorageException">Owned by neither root nor the caller, or writable for everyone or for another group than root's and the caller's own.</exception>
    internal static void RequireSafe(string directory, IReadOnlyList<string> roots)
    {
        foreach (string path in Above(directory, roots).Concat(Directory.EnumerateFileSystemEntries(directory, "*", SearchOption.AllDirectories)))
        {
            uint owner = FileOwner.Of(path);
            if (owner != 0 && owner != FileOwner.Ours)
            {
                throw Unsafe(path, $"belongs to user {owner}: chown it to root");
            }

            // A link's own mode says nothing; what it leads to is somewhere else and not checked, so it is not taken.
            FileSystemInfo entry = Directory.Exists(path) ? new DirectoryInfo(path) : new FileInfo(path);
            if (entry.LinkTarget is not null)
            {
                throw Unsafe(path, "is a symbolic link: put the file itself there");
            }

            if (entry.UnixFileMode.HasFlag(UnixFileMode.OtherWrite))
            {
                throw Unsafe(path, "is writable for everyone: chmod o-w");
            }

            uint group = FileOwner.GroupOf(path);
            if (entry.UnixFileMode.HasFlag(UnixFileMode.GroupWrite) && group != 0 && group != FileOwner.OurGroup)
            {
                throw Unsafe(path, $"is writable for group {group}: chmod g-w");
            }
        }
    }

    /// <summary>
    /// The hash that a profile pins: SHA-256 over the lines <c>sha256(file) two-spaces relative/path newline</c> of all its
    /// files in the byte order of their paths, so <c>cd DIR; find . -type f -printf '%P\n' | LC_ALL=C sort | xargs sha256sum | sha256sum</c>.
    /// </summary>
    internal static string HashOf(string directory)
    {
        StringBuilder lines = new();
        foreach (string file in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(directory, path))
            .Order(StringComparer.Ordinal))
        {
            using FileStream stream = File.OpenRead(Path.Combine(directory, file));
            lines.Append(Convert.ToHexStringLower(SHA256.HashData(stream))).Append("  ").Append(file).Append('\n');
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(lines.ToString())));
    }

    private static IEnumerable<string> Above(string directory, IReadOnlyList<string> roots)
    {
        string? root = roots.Select(Path.TrimEndingDirectorySeparator).FirstOrDefault(root => directory.StartsWith($"{root}/", StringComparison.Ordinal));
        yield return directory;
        for (string path = directory; root is not null && path.Length > root.Length;)
        {
            path = Path.GetDirectoryName(path)!;
            yield return path;
        }
    }

    private static StorageException Unsafe(string path, string why) => new(StorageErrorKind.InvalidConfiguration, path, why);
}
