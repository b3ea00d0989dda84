using System.Runtime.CompilerServices;

namespace EveStorage.Testing;

/// <summary>The source tree, for the tests that read it.</summary>
public static class RepositoryFiles
{
    public static string Root { get; } = System.IO.Path.GetFullPath(System.IO.Path.Combine(ThisFile(), "../../.."));

    /// <summary>The source files of the product.</summary>
    public static IEnumerable<string> Sources { get; } =
        [.. new[] { "src", "plugins" }.SelectMany(d => Directory.EnumerateFiles(Path(d), "*.cs", SearchOption.AllDirectories))];

    public static string Path(string relative) => System.IO.Path.Combine(Root, relative);

    private static string ThisFile([CallerFilePath] string thisFile = "") => thisFile;
}
