using System.Reflection;
using EveStorage.Host.Profiles;

namespace EveStorage.Host.Plugins;

/// <summary>Finds and loads the plugins of a profile. One that can't be loaded is reported, and never stops another.</summary>
internal sealed class PluginCatalog
{
    private PluginCatalog(IReadOnlyList<CatalogEntry> entries) => Entries = entries;

    /// <summary>Every plugin that was found or is enabled, by id.</summary>
    internal IReadOnlyList<CatalogEntry> Entries { get; }

    /// <summary>The backends of those that loaded.</summary>
    internal IEnumerable<PluginPart<IStorageBackend>> Backends => Loaded.SelectMany(parts => parts.Backends);

    /// <summary>The transports of those that loaded.</summary>
    internal IEnumerable<PluginPart<IVolumeTransport>> Transports => Loaded.SelectMany(parts => parts.Transports);

    /// <summary>The layers of those that loaded.</summary>
    internal IEnumerable<PluginPart<IVolumeLayer>> Layers => Loaded.SelectMany(parts => parts.Layers);

    /// <summary>The key providers of those that loaded.</summary>
    internal IEnumerable<PluginPart<IKeyProvider>> KeyProviders => Loaded.SelectMany(parts => parts.KeyProviders);

    /// <summary>The front ends of those that loaded.</summary>
    internal IEnumerable<PluginPart<IFrontEnd>> FrontEnds => Loaded.SelectMany(parts => parts.FrontEnds);

    private IEnumerable<PartRegistry> Loaded => Entries.Select(entry => entry.Parts).OfType<PartRegistry>();

    /// <summary>Finds every plugin, and loads those that <paramref name="options"/> enable.</summary>
    internal static PluginCatalog Load(PluginsOptions options)
    {
        List<CatalogEntry> entries = [];
        foreach (IGrouping<string, CatalogEntry> found in PluginSearch.Find(options.Directories).GroupBy(entry => entry.Id))
        {
            // A later directory, and in it a higher version, wins.
            CatalogEntry entry = found.Last();
            entries.AddRange(found.SkipLast(1).Where(other => other.Manifest is null));
            entries.Add(options.Enabled.Contains(entry.Id) ? Load(entry with { Enabled = true }, options) : entry);
        }

        entries.AddRange(options.Enabled.Except(entries.Select(entry => entry.Id)).Select(id => new CatalogEntry
        {
            Id = id,
            Enabled = true,
            Reasons = [$"is in none of the plugin directories ({string.Join(", ", options.Directories)})"],
        }));
        return new([.. entries.Select(entry => RefuseShared(entry, entries)).OrderBy(entry => entry.Id, StringComparer.Ordinal)]);
    }

    // Of two plugins for one kind a profile can't say which it means, and the one that comes first would be chance.
    private static CatalogEntry RefuseShared(CatalogEntry entry, List<CatalogEntry> all)
    {
        if (entry.Parts is not PartRegistry own)
        {
            return entry;
        }

        string[] reasons =
            [.. all.Where(other => other.Id != entry.Id).SelectMany(other => (other.Parts?.Kinds ?? []).Intersect(own.Kinds)
                .Select(kind => $"registers {kind}, and so does {other.Id}: enable one of them"))];
        return reasons.Length == 0 ? entry : entry with { Parts = null, Reasons = reasons };
    }

    /// <summary>Loads the one plugin in <paramref name="directory"/>, as a worker does, whose host has checked it and loaded it before.</summary>
    /// <exception cref="StorageException">It can't be loaded.</exception>
    internal static PartRegistry LoadOne(string directory)
    {
        PluginManifest manifest = PluginManifest.Read(directory);
        try
        {
            return Register(directory, manifest, isChecked: true);
        }
        catch (Exception e) when (IsOfLoading(e))
        {
            throw new StorageException(StorageErrorKind.Unavailable, manifest.Id, $"could not be loaded ({(e.InnerException ?? e).Message})", e);
        }
    }

    private static CatalogEntry Load(CatalogEntry entry, PluginsOptions options)
    {
        if (entry.Manifest is not PluginManifest manifest)
        {
            return entry;
        }

        try
        {
            manifest.RequireContract(ContractRange.Ours);
            PluginFolder.RequireSafe(entry.Directory!, options.Directories);
            RequirePin(entry, options);
            string[] missing = [.. PluginNeeds.Missing(manifest.Needs ?? [])];
            return missing.Length > 0 ? entry with { Reasons = missing } : entry with { Parts = Register(entry.Directory!, manifest, isChecked: false) };
        }
        catch (StorageException e)
        {
            return entry with { Reasons = [e.Message] };
        }
        catch (Exception e) when (IsOfLoading(e))
        {
            return entry with { Reasons = [$"{entry.Id}: could not be loaded ({(e.InnerException ?? e).Message})"] };
        }
    }

    private static void RequirePin(CatalogEntry entry, PluginsOptions options)
    {
        if (options.Pins.TryGetValue(entry.Id, out string? pin) && PluginFolder.HashOf(entry.Directory!) is string hash
            && !string.Equals(pin, hash, StringComparison.OrdinalIgnoreCase))
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, entry.Id, $"is pinned to {pin}, and its folder has {hash}");
        }
    }

    private static PartRegistry Register(string directory, PluginManifest manifest, bool isChecked)
    {
        PartRegistry registry = new(manifest.Id);
        LoadedPlugin plugin = LoadedPlugin.Load(directory, manifest, isUnloadable: false, isChecked);
        try
        {
            plugin.Entry.Register(registry);
        }
        catch (Exception e) when (e is not StorageException)
        {
            throw new StorageException(StorageErrorKind.Unavailable, manifest.Id, $"threw while it registered ({e.Message})", e);
        }

        string[] undeclared = [.. registry.Kinds.Except(manifest.Kinds).Concat(manifest.Kinds.Except(registry.Kinds))];
        return undeclared.Length == 0
            ? registry
            : throw new StorageException(
                StorageErrorKind.InvalidConfiguration, manifest.Id, $"its manifest and what it registers differ in {string.Join(", ", undeclared)}");
    }

    // A file that can't be read, a deps.json that can't be parsed, an entry that has no constructor or whose constructor failed.
    private static bool IsOfLoading(Exception e)
        => e is IOException or UnauthorizedAccessException or InvalidOperationException or BadImageFormatException
            or TypeLoadException or MemberAccessException or TargetInvocationException;
}
