using System.Text.Json;
using System.Text.RegularExpressions;

namespace EveStorage.Host.Plugins;

/// <summary>What a plugin's <c>plugin.json</c> says. It is read before any of the plugin's code is loaded.</summary>
internal sealed partial record PluginManifest
{
    /// <summary>The manifest's name in the plugin's folder.</summary>
    internal const string FileName = "plugin.json";

    private const int MaxLength = 64 << 10;

    /// <summary>The plugin's name, unique on the host.</summary>
    public required string Id { get; init; }

    /// <summary>Its own version.</summary>
    public required Version Version { get; init; }

    /// <summary>The version of the contract it was built against.</summary>
    public required Version Contract { get; init; }

    /// <summary>The file that holds <see cref="Entry"/>, beside the manifest.</summary>
    public required string Assembly { get; init; }

    /// <summary>The full name of its <see cref="IStoragePlugin"/>.</summary>
    public required string Entry { get; init; }

    /// <summary>What it registers: <c>backend:file</c>.</summary>
    public required IReadOnlyList<string> Kinds { get; init; }

    /// <summary>What it needs of the machine: <c>command:lvm</c>, <c>module:nvmet=CONFIG_NVME_TARGET</c>; null when nothing.</summary>
    public IReadOnlyList<string>? Needs { get; init; }

    /// <summary>Reads the manifest of the folder <paramref name="directory"/>. Whether the host speaks its contract is another question.</summary>
    /// <exception cref="StorageException">It is not a manifest.</exception>
    internal static PluginManifest Read(string directory)
    {
        string path = Path.Combine(directory, FileName);
        try
        {
            if (new FileInfo(path).Length > MaxLength)
            {
                throw new StorageException(StorageErrorKind.InvalidConfiguration, path, $"is longer than {MaxLength} bytes");
            }

            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            return Read(document.RootElement).Validated(path);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, path, $"is not a plugin manifest ({e.Message})", e);
        }
    }

    /// <summary>Refuses a plugin of another contract.</summary>
    /// <exception cref="StorageException">The host can't run it.</exception>
    internal void RequireContract(ContractRange host)
    {
        if (!host.Includes(Contract))
        {
            throw new StorageException(
                StorageErrorKind.NotSupported, Id, $"needs contract {Contract} and this host has {host}: install the plugin's build for this host");
        }
    }

    // By hand: each command reads all that are there, and a serializer takes longer to start than that does.
    private static PluginManifest Read(JsonElement json)
    {
        Dictionary<string, JsonElement> left = json.EnumerateObject().ToDictionary(static member => member.Name, static member => member.Value);
        PluginManifest manifest = new()
        {
            Id = Take(left, "id").GetString()!,
            Version = VersionOf(Take(left, "version")),
            Contract = VersionOf(Take(left, "contract")),
            Assembly = Take(left, "assembly").GetString()!,
            Entry = Take(left, "entry").GetString()!,
            Kinds = TextsOf(Take(left, "kinds")),
            Needs = left.Remove("needs", out JsonElement needs) && needs.ValueKind != JsonValueKind.Null ? TextsOf(needs) : null,
        };
        return left.Count == 0 ? manifest : throw new JsonException($"'{left.Keys.First()}' is no member of it");
    }

    private static JsonElement Take(Dictionary<string, JsonElement> left, string name)
        => left.Remove(name, out JsonElement member) && member.ValueKind != JsonValueKind.Null ? member : throw new JsonException($"'{name}' is missing");

    private static Version VersionOf(JsonElement text)
        => Version.TryParse(text.GetString(), out Version? version) ? version : throw new JsonException($"'{text}' is no version");

    private static string[] TextsOf(JsonElement array) => [.. array.EnumerateArray().Select(static text => text.GetString() ?? throw new JsonException("a kind, or a need, is null"))];

    private PluginManifest Validated(string path)
    {
        if (!IdPattern.IsMatch(Id))
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, path, $"'{Id}' is not an id: lower-case letters, digits, dots and hyphens");
        }

        if (Assembly != Path.GetFileName(Assembly))
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, path, $"{Assembly} is not a file beside it");
        }

        return this;
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9.-]{0,62}$")]
    private static partial Regex IdPattern { get; }
}
