using System.Reflection;
using System.Runtime.Loader;
using McMaster.NETCore.Plugins.Loader;

namespace EveStorage.Host.Plugins;

/// <summary>A plugin's code, in a load context of its own.</summary>
internal sealed class LoadedPlugin : IDisposable
{
    private AssemblyLoadContext? _context;
    private IStoragePlugin? _entry;

    private LoadedPlugin(AssemblyLoadContext context, IStoragePlugin entry)
    {
        _context = context;
        _entry = entry;
    }

    /// <summary>What the manifest's entry names.</summary>
    public IStoragePlugin Entry => _entry ?? throw new ObjectDisposedException(nameof(LoadedPlugin));

    /// <summary>Where its code lives, for a test to watch it go.</summary>
    internal AssemblyLoadContext Context => _context ?? throw new ObjectDisposedException(nameof(LoadedPlugin));

    /// <summary>Loads the plugin of <paramref name="manifest"/> from its folder.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="manifest">Its manifest.</param>
    /// <param name="isUnloadable">Whether disposing may unload it, which makes its code slower to load and to run.</param>
    /// <param name="isChecked">Whether what it refers to was checked before, by another process.</param>
    /// <exception cref="StorageException">It can't be loaded; the message says why.</exception>
    internal static LoadedPlugin Load(string directory, PluginManifest manifest, bool isUnloadable, bool isChecked = false)
    {
        string path = Path.GetFullPath(Path.Combine(directory, manifest.Assembly));
        if (!isChecked)
        {
            PluginReferences.Check(manifest.Id, path);
        }

        AssemblyLoadContext context = ContextOf(path, isUnloadable);
        return new(context, CreateEntry(manifest, context.LoadFromAssemblyPath(path)));
    }

    /// <summary>
    /// Lets go of the code. The runtime unloads it once nothing refers to it any more: a step, a timer or a static event
    /// handler of the plugin keeps it, so a restart is what surely replaces a plugin.
    /// </summary>
    public void Dispose()
    {
        _entry = null;
        if (_context is { IsCollectible: true })
        {
            _context.Unload();
        }

        _context = null;
    }

    // The context that PluginLoader makes, less the folders that the host's own runtimeconfig.json may name beside a plugin's. It would
    // read that for each plugin, by a serializer that takes longer to start than all of them.
    private static AssemblyLoadContext ContextOf(string path, bool isUnloadable)
    {
        // Lazily: else it loads all that is shared and, of the framework, all that this refers to and so on, up to XML and QUIC, to note their
        // names. What of it is no framework is in our list.
        AssemblyLoadContextBuilder builder = new AssemblyLoadContextBuilder().IsLazyLoaded(true);
        builder.SetMainAssemblyPath(path);
        foreach (Type type in SharedAssemblies.Types)
        {
            builder.PreferDefaultLoadContextAssembly(type.Assembly.GetName());
        }

        if (isUnloadable)
        {
            builder.EnableUnloading();
        }

        return builder.Build();
    }

    private static IStoragePlugin CreateEntry(PluginManifest manifest, Assembly assembly)
        => assembly.GetType(manifest.Entry) is Type type && Activator.CreateInstance(type) is IStoragePlugin entry
            ? entry
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, manifest.Id, $"{manifest.Entry} is not an IStoragePlugin");
}
