using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Configuration;

namespace EveStorage.Cli.Profiles;

/// <summary>
/// Finds and merges what a profile is read from, lowest first: what comes with the program, /usr/lib/evestorage,
/// /etc/evestorage, the environment, and the profile that a command names.
/// </summary>
/// <param name="Name">The profile's name.</param>
/// <param name="Files">The files that were read, lowest first.</param>
/// <param name="Merged">All of it.</param>
internal sealed record ProfileSource(string Name, IReadOnlyList<string> Files, IConfigurationRoot Merged)
{
    /// <summary>The profile that a command named, by which the same can be read again; null for the usual one.</summary>
    internal string? Asked { get; init; }

    private const string Settings = "appsettings.json";
    private const string EnvironmentPrefix = "EVESTORAGE__";
    private const string NameKey = "Profile";

    /// <summary>Where locks and sockets are, until a reboot.</summary>
    internal string Run => Merged["Run"] ?? StandardPaths.ForCaller().Run;

    /// <summary>The daemon's socket.</summary>
    internal string Socket => Merged["Api:Socket"] is { Length: > 0 } chosen ? chosen : Path.Combine(Run, "api.sock");

    /// <summary>All keys and values as one number (FNV-1a, of 64 bits), by which two programs see that they have read the same. It keeps no secret.</summary>
    /// <remarks>
    /// By hand, since each command asks for it and a resting daemon keeps what it loads: SHA-256 brings OpenSSL's library, of 5 MiB, and another
    /// hash a package. Nobody gains by two settings that agree in it: who can write them writes what the daemon reads.
    /// </remarks>
    internal string Fingerprint
    {
        get
        {
            ulong number = 14695981039346656037;
            foreach ((string key, string? value) in Merged.AsEnumerable().OrderBy(static pair => pair.Key, StringComparer.OrdinalIgnoreCase))
            {
                foreach (char letter in $"{key.ToUpperInvariant()}={value}\n")
                {
                    number = unchecked((number ^ letter) * 1099511628211);
                }
            }

            return number.ToString("x16", CultureInfo.InvariantCulture);
        }
    }

    private static string[] Homes => [AppContext.BaseDirectory, "/usr/lib/evestorage", "/etc/evestorage"];

    /// <summary>Every profile there is, by name, with its file.</summary>
    internal static IReadOnlyDictionary<string, string> Known
        => Homes.Select(home => Path.Combine(home, "profiles"))
            .Where(Directory.Exists)
            .SelectMany(directory => Directory.EnumerateFiles(directory, "*.json"))
            .GroupBy(file => Path.GetFileNameWithoutExtension(file))
            .ToDictionary(group => group.Key, group => group.Last());

    /// <summary>Reads the profile <paramref name="asked"/>, a name or a file; null for the one that the settings name.</summary>
    /// <exception cref="StorageException">It is not there, or a file is not JSON.</exception>
    internal static ProfileSource Read(string? asked)
    {
        string[] settings = [.. Homes.Select(home => Path.Combine(home, Settings)).Where(File.Exists)];
        List<IEnumerable<KeyValuePair<string, string?>>> layers = [.. settings.Select(ReadFile), ReadEnvironment()];
        string name = asked ?? Merge(layers)[NameKey] ?? "embedded";
        string file = FindFile(name);

        // The settings' own choice is what the settings adjust; a command's choice adjusts the settings.
        layers.Insert(asked is null ? 0 : layers.Count, ReadFile(file));
        string[] files = asked is null ? [file, .. settings] : [.. settings, file];
        return new(Path.GetFileNameWithoutExtension(file), files, Merge(layers)) { Asked = asked is null ? null : file };
    }

    private static string FindFile(string name)
    {
        if (name.Contains('/', StringComparison.Ordinal) || name.EndsWith(".json", StringComparison.Ordinal))
        {
            return File.Exists(name)
                ? Path.GetFullPath(name)
                : throw new StorageException(StorageErrorKind.InvalidConfiguration, name, "is no profile: there is no such file");
        }

        IReadOnlyDictionary<string, string> known = Known;
        return known.TryGetValue(name, out string? file)
            ? file
            : throw new StorageException(
                StorageErrorKind.InvalidConfiguration, name, $"is no profile; there are {string.Join(", ", known.Keys.Order(StringComparer.Ordinal))}, or give a path");
    }

    private static IEnumerable<KeyValuePair<string, string?>> ReadFile(string path)
    {
        try
        {
            return [.. new ConfigurationBuilder().AddJsonFile(path, optional: false).Build().AsEnumerable()];
        }
        catch (Exception e) when (e is InvalidDataException or FormatException or IOException or UnauthorizedAccessException)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, path, $"can't be read as JSON ({Reason(e)})", e);
        }
    }

    // The innermost is the reader's, which counts lines from 0.
    private static string Reason(Exception e) => e switch
    {
        JsonException { LineNumber: long line } json => $"line {line + 1}: {json.Message.Split(" LineNumber:")[0].TrimEnd('.')}",
        { InnerException: Exception inner } => Reason(inner),
        _ => e.Message,
    };

    private static IEnumerable<KeyValuePair<string, string?>> ReadEnvironment()
        => [.. new ConfigurationBuilder().AddEnvironmentVariables(EnvironmentPrefix).Build().AsEnumerable()];

    // A list of a higher layer replaces the lower one's whole: joined entry by entry, a shorter list would keep the longer one's end.
    private static IConfigurationRoot Merge(IEnumerable<IEnumerable<KeyValuePair<string, string?>>> layers)
    {
        Dictionary<string, string?> merged = new(StringComparer.OrdinalIgnoreCase);
        foreach (IEnumerable<KeyValuePair<string, string?>> layer in layers)
        {
            foreach (string list in layer.Select(pair => ListOf(pair.Key)).OfType<string>().ToHashSet(StringComparer.OrdinalIgnoreCase))
            {
                foreach (string key in merged.Keys.Where(key => key.StartsWith($"{list}:", StringComparison.OrdinalIgnoreCase)).ToArray())
                {
                    merged.Remove(key);
                }
            }

            foreach ((string key, string? value) in layer)
            {
                if (value is not null)
                {
                    merged[key] = value;
                }
                else
                {
                    merged.TryAdd(key, null);   // a group, which may be empty: `"data": {}` declares a pool all the same
                }
            }
        }

        return new ConfigurationBuilder().AddInMemoryCollection(merged).Build();
    }

    private static string? ListOf(string key)
    {
        string[] parts = key.Split(':');
        int index = Array.FindIndex(parts, part => int.TryParse(part, out _));
        return index <= 0 ? null : string.Join(':', parts[..index]);
    }
}
