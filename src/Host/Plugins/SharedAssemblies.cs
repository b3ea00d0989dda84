using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace EveStorage.Host.Plugins;

/// <summary>
/// What a plugin gets from the host, so that a type is the same on both sides: the contract and all that its signatures
/// mention, listed and not guessed. Everything else comes from the plugin's own folder, so that plugins can't clash.
/// </summary>
internal static class SharedAssemblies
{
    private static readonly Dictionary<string, string> s_framework = FindFramework();
    private static readonly ConcurrentDictionary<string, Version?> s_versions = new();   // each is asked for by every plugin

    /// <summary>One type of each; a test holds the list to naming all of what these refer to, too.</summary>
    internal static Type[] Types { get; } =
        [typeof(IStoragePlugin), typeof(ILogger), typeof(IOptions<>), typeof(IServiceCollection), typeof(IChangeToken)];

    /// <summary>The version of a shared assembly; null when it is not one.</summary>
    internal static Version? FindShared(string name)
        => Types.Select(t => t.Assembly.GetName()).FirstOrDefault(n => n.Name == name)?.Version;

    /// <summary>The version of an assembly of the .NET runtime the host runs on; null when it is not one.</summary>
    internal static Version? FindFramework(string name)
        => s_framework.TryGetValue(name, out string? path) ? s_versions.GetOrAdd(path, static file => AssemblyName.GetAssemblyName(file).Version) : null;

    // What the runtime trusts, less the host's own packages: those a plugin must never come to depend on. A self-contained
    // host has both in one folder and can't tell them apart; a single-file one has no such list, and is not for plugins.
    private static Dictionary<string, string> FindFramework()
    {
        string runtime = Path.TrimEndingDirectorySeparator(RuntimeEnvironment.GetRuntimeDirectory());
        string host = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        return ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetDirectoryName(path) is string directory && (directory == runtime || directory != host))
            .DistinctBy(Path.GetFileNameWithoutExtension)   // the list names the core library twice
            .ToDictionary(path => Path.GetFileNameWithoutExtension(path));
    }
}
