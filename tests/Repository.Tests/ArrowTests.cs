using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>Who may refer to whom, as the built assemblies do.</summary>
public class ArrowTests
{
    [Theory]
    [InlineData("EveStorage.Abstractions")]
    [InlineData("EveStorage.Linux", "EveStorage.Abstractions")]
    [InlineData("EveStorage.NvmeOf", "EveStorage.Abstractions")]
    [InlineData("EveStorage.Conformance", "EveStorage.Abstractions")]
    [InlineData("EveStorage.Cli", "EveStorage.Abstractions", "EveStorage.Linux")]
    [InlineData("evestorage-client", "EveStorage.Cli", "EveStorage.Abstractions", "EveStorage.Linux")]
    [InlineData("evestorage", "EveStorage.Cli", "EveStorage.Abstractions", "EveStorage.Linux", "EveStorage.NvmeOf", "EveStorage.Conformance")]
    public void An_assembly_refers_to_none_of_ours_but_these(string assembly, params string[] allowed)
        => OursIn(Path.Combine(assembly == "evestorage-client" ? BuiltHost.Client : BuiltHost.Directory, $"{assembly}.dll")).Except(allowed).ShouldBeEmpty();

    [Fact]
    public void A_plugin_refers_to_the_contract_and_the_small_shared_libraries_alone()
    {
        string[] plugins = [.. Directory.EnumerateDirectories(BuiltHost.Plugins)];

        plugins.ShouldNotBeEmpty();
        foreach (string plugin in plugins)
        {
            string[] own = [.. Directory.EnumerateFiles(plugin, "EveStorage.*.dll").Where(path => !IsShared(path))];
            own.Length.ShouldBe(1, plugin);
            OursIn(own[0]).Except(["EveStorage.Abstractions", "EveStorage.Linux", "EveStorage.NvmeOf", "EveStorage.Nvmet", "EveStorage.FileSystems", "EveStorage.ZfsStream"]).ShouldBeEmpty(own[0]);
        }
    }

    [Fact]
    public void The_contract_is_not_copied_into_a_plugin()
        => Directory.EnumerateFiles(BuiltHost.Plugins, "EveStorage.Abstractions.dll", SearchOption.AllDirectories).ShouldBeEmpty();

    private static bool IsShared(string path) => Path.GetFileNameWithoutExtension(path) is "EveStorage.Linux" or "EveStorage.NvmeOf" or "EveStorage.Nvmet" or "EveStorage.FileSystems" or "EveStorage.ZfsStream";

    private static IEnumerable<string> OursIn(string path)
    {
        using PEReader image = new(File.OpenRead(path));
        MetadataReader metadata = image.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name)).Where(name => name.StartsWith("EveStorage", StringComparison.Ordinal))];
    }
}
