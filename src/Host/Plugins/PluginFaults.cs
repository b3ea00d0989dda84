using System.Diagnostics;
using System.Reflection;

namespace EveStorage.Host.Plugins;

/// <summary>Names who is at fault for what no plugin may let out, and for a call that does not come back.</summary>
internal sealed class PluginFaults(PluginCatalog catalog)
{
    /// <summary>Whose code a type is: a plugin's id; null for the host.</summary>
    internal string? OwnerOf(Type type) => OwnerOf(type.Assembly);

    /// <summary>An exception as everybody may see it: one of ours as it is, and any other with the name of the plugin that it came out of.</summary>
    internal StorageException Of(string subject, Exception exception)
        => exception as StorageException ?? new(StorageErrorKind.Io, subject, $"{exception.Message} ({exception.GetType().Name}: a fault of {Named(exception)}, please report it)", exception);

    private string Named(Exception exception)
    {
        string? plugin = new StackTrace(exception).GetFrames().Select(frame => frame.GetMethod()?.DeclaringType is Type type ? OwnerOf(type) : null).FirstOrDefault(owner => owner is not null);
        return plugin is null ? "the program" : $"plugin {plugin}";
    }

    private string? OwnerOf(Assembly assembly)
    {
        // The contract and what the host shares with plugins lie beside it, and a plugin's code in its folder.
        string? directory = assembly.IsDynamic ? null : Path.GetDirectoryName(assembly.Location);
        return directory is null ? null : catalog.Entries.FirstOrDefault(entry => entry.Directory is string folder && Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)) == directory)?.Id;
    }
}
