namespace EveStorage.Host.Plugins;

/// <summary>Finds plugins in <c>DIR/ID/</c> and <c>DIR/ID/VERSION/</c>. Nothing of them is loaded.</summary>
internal static class PluginSearch
{
    /// <summary>What is in <paramref name="roots"/>: in their order, each once, and of one plugin the lower version first.</summary>
    internal static IEnumerable<CatalogEntry> Find(IEnumerable<string> roots)
        => roots.Where(Directory.Exists)
            .Select(static root => Path.TrimEndingDirectorySeparator(Path.GetFullPath(root)))
            .Distinct()
            .SelectMany(root => Directory.EnumerateDirectories(root).Order(StringComparer.Ordinal))
            .SelectMany(FindIn);

    private static IEnumerable<CatalogEntry> FindIn(string folder)
        => Directory.EnumerateDirectories(folder)
            .Prepend(folder)
            .Where(directory => File.Exists(Path.Combine(directory, PluginManifest.FileName)))
            .Select(directory => Read(directory, Path.GetFileName(folder)))
            .OrderBy(entry => entry.Manifest?.Version);

    private static CatalogEntry Read(string directory, string name)
    {
        try
        {
            PluginManifest manifest = PluginManifest.Read(directory);
            return new() { Id = manifest.Id, Directory = directory, Manifest = manifest };
        }
        catch (Exception e) when (e is StorageException or IOException or UnauthorizedAccessException)
        {
            return new() { Id = name, Directory = directory, Reasons = [e.Message] };
        }
    }
}
