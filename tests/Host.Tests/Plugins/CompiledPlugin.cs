using EveStorage.Host.Plugins;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EveStorage.Tests;

/// <summary>A plugin compiled by the test that breaks it, for what no project can build.</summary>
internal static class CompiledPlugin
{
    private const string Manifest =
        """{ "id": "compiled", "version": "1.0", "contract": "NOW", "assembly": "Compiled.dll", "entry": "Entry", "kinds": [] }""";

    private static readonly MetadataReference[] s_framework =
        [.. Directory.EnumerateFiles(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "System.*.dll")
            .Where(f => !f.EndsWith("Native.dll", StringComparison.Ordinal)).Append(typeof(IStoragePlugin).Assembly.Location)
            .Select(f => MetadataReference.CreateFromFile(f))];

    /// <summary>A manifest that states NOW for the contract that this host speaks.</summary>
    internal static string OfThisContract(string manifest) => manifest.Replace("\"NOW\"", $"\"{ContractRange.Ours.Newest}\"", StringComparison.Ordinal);

    /// <summary>Makes a plugin folder of an entry with <paramref name="members"/>.</summary>
    internal static void Write(string directory, string members, params string[] references)
    {
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "plugin.json"), OfThisContract(Manifest));
        Compile(
            Path.Combine(directory, "Compiled.dll"),
            $$"""public class Entry : EveStorage.IStoragePlugin { public void Register(EveStorage.IPluginRegistrar registrar) { } {{members}} }""",
            references);
    }

    /// <summary>Compiles <paramref name="source"/> into <paramref name="path"/>.</summary>
    internal static void Compile(string path, string source, params string[] references)
    {
        CSharpCompilation compilation = CSharpCompilation.Create(
            Path.GetFileNameWithoutExtension(path),
            [CSharpSyntaxTree.ParseText(source)],
            s_framework.Concat(references.Select(r => MetadataReference.CreateFromFile(r))),
            new(OutputKind.DynamicallyLinkedLibrary));
        compilation.Emit(path).Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error).ShouldBeEmpty();
    }
}
