using System.Reflection;

namespace EveStorage.Testing;

/// <summary>What the build made, where it made it.</summary>
public static class BuiltHost
{
    /// <summary>The host's output.</summary>
    public static string Directory { get; } = typeof(BuiltHost).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(a => a.Key == "HostDirectory").Value!;

    /// <summary>The small program that asks a daemon, with what it is made of.</summary>
    public static string Client { get; } = Path.GetFullPath(
        Path.Combine(Directory, "../../EveStorage.Client", Path.GetFileName(Path.TrimEndingDirectorySeparator(Directory))));

    /// <summary>The product's plugins, as the host finds them.</summary>
    public static string Plugins { get; } = Path.Combine(Directory, "plugins");

    /// <summary>The tests' own plugins, laid out by the same targets.</summary>
    public static string Fixtures { get; } = Path.Combine(AppContext.BaseDirectory, "fixtures");

    /// <summary>Copies a plugin so that a test may break it.</summary>
    public static void CopyPlugin(string source, string target)
    {
        foreach (string file in System.IO.Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(target, Path.GetRelativePath(source, file));
            System.IO.Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }
}
