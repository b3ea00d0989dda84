using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.Loader;

namespace EveStorage.Host.Plugins;

/// <summary>
/// Follows what a plugin's assemblies refer to, before any of its code is loaded. PluginLoader swallows what goes wrong
/// here: for a shared assembly that is too old it takes the plugin's copy, whose types are not ours, and for one that is
/// absent the host's private copy, or a failure in the middle of the first operation that needs it.
/// </summary>
internal static class PluginReferences
{
    /// <summary>Checks the plugin whose entry is in the file <paramref name="assembly"/>.</summary>
    /// <exception cref="StorageException">It could not run on this host.</exception>
    internal static void Check(string id, string assembly)
    {
        if (!File.Exists(assembly))
        {
            throw new StorageException(StorageErrorKind.Unavailable, id, $"{Path.GetFileName(assembly)} is not in its folder");
        }

        AssemblyDependencyResolver resolver = new(assembly);
        HashSet<string> seen = [assembly];
        Queue<string> files = new(seen);
        while (files.TryDequeue(out string? file))
        {
            foreach (AssemblyName reference in Read(id, file))
            {
                if (FindInFolder(reference) is string found && seen.Add(found))
                {
                    files.Enqueue(found);
                }
            }
        }

        // In the order in which PluginLoader looks.
        string? FindInFolder(AssemblyName reference)
        {
            string name = reference.Name!;
            string? path = resolver.ResolveAssemblyToPath(reference) ?? Path.Combine(Path.GetDirectoryName(assembly)!, $"{name}.dll");
            Version? shared = SharedAssemblies.FindShared(name);
            if (shared is null && File.Exists(path))
            {
                return path;
            }

            Version has = shared ?? SharedAssemblies.FindFramework(name)
                ?? throw new StorageException(StorageErrorKind.Unavailable, id, $"{name} {reference.Version} is not in its folder");
            return reference.Version <= has
                ? null
                : throw new StorageException(StorageErrorKind.NotSupported, id, $"needs {name} {reference.Version}; this host has {has}");
        }
    }

    private static AssemblyName[] Read(string id, string file)
    {
        try
        {
            using PEReader image = new(File.OpenRead(file));
            MetadataReader metadata = image.GetMetadataReader();
            return [.. metadata.AssemblyReferences.Select(handle => metadata.GetAssemblyReference(handle).GetAssemblyName())];
        }
        catch (Exception e) when (e is BadImageFormatException or InvalidOperationException)
        {
            throw new StorageException(StorageErrorKind.Corrupt, id, $"{Path.GetFileName(file)} is not an assembly", e);
        }
    }
}
