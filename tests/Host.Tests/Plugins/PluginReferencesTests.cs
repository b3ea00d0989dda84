using EveStorage.Host.Plugins;
using EveStorage.Testing;
using McMaster.NETCore.Plugins;

namespace EveStorage.Tests;

/// <summary>
/// What PluginLoader lets pass and the host does not. How it fares with a shared assembly that is too old can't be pinned
/// here: the test runner makes the default context resolve a name whatever its version, which no host does.
/// </summary>
public sealed class PluginReferencesTests : IDisposable
{
    private const string UsesOptions = "public Microsoft.Extensions.Options.Later Later = new();";
    private const string UsesScrutor = "public System.Type Scrutor = typeof(Scrutor.ITypeSourceSelector);";

    private readonly TemporaryDirectory _plugins = new();
    private readonly TemporaryDirectory _elsewhere = new();

    [Fact]
    public void A_shared_assembly_older_than_the_plugin_asks_for_is_the_reason_it_is_not_loaded()
    {
        CompiledPlugin.Write(_plugins["compiled"], UsesOptions, WriteLaterOptions(_elsewhere.Path));

        Failure().ShouldBe("compiled: needs Microsoft.Extensions.Options 99.0.0.0; this host has 10.0.0.0");
    }

    [Fact]
    public void Shipping_the_newer_shared_assembly_does_not_help()
    {
        CompiledPlugin.Write(_plugins["compiled"], UsesOptions, WriteLaterOptions(Directory.CreateDirectory(_plugins["compiled"]).FullName));

        Failure().ShouldContain("needs Microsoft.Extensions.Options 99.0.0.0");
    }

    [Fact]
    public void A_package_that_only_the_host_has_is_not_lent()
    {
        CompiledPlugin.Write(_plugins["compiled"], UsesScrutor, typeof(Scrutor.ITypeSourceSelector).Assembly.Location);

        Failure().ShouldBe("compiled: Scrutor 7.0.0.0 is not in its folder");
    }

    [Fact]
    public void PluginLoader_would_lend_it()
    {
        CompiledPlugin.Write(_plugins["compiled"], UsesScrutor, typeof(Scrutor.ITypeSourceSelector).Assembly.Location);

        PluginLoader loader = PluginLoader.CreateFromAssemblyFile(Path.Combine(_plugins["compiled"], "Compiled.dll"), SharedAssemblies.Types);

        Activator.CreateInstance(loader.LoadDefaultAssembly().GetType("Entry")!).ShouldBeAssignableTo<IStoragePlugin>();
    }

    [Fact]
    public void The_shared_list_names_all_that_is_shared()
    {
        // PluginLoader shares what the listed ones refer to as well; what is not the runtime's has to be in the list.
        string[] listed = [.. SharedAssemblies.Types.Select(t => t.Assembly.GetName().Name!)];

        SharedAssemblies.Types.SelectMany(t => t.Assembly.GetReferencedAssemblies()).Select(a => a.Name!)
            .Where(name => SharedAssemblies.FindFramework(name) is null).Except(listed).ShouldBeEmpty();
    }

    public void Dispose()
    {
        _plugins.Dispose();
        _elsewhere.Dispose();
    }

    private string Failure()
        => PluginCatalog.Load(new() { Directories = [_plugins.Path], Enabled = ["compiled"] }).Entries.ShouldHaveSingleItem().Reasons.ShouldHaveSingleItem();

    private static string WriteLaterOptions(string directory)
    {
        string path = Path.Combine(directory, "Microsoft.Extensions.Options.dll");
        CompiledPlugin.Compile(
            path,
            """[assembly: System.Reflection.AssemblyVersion("99.0.0.0")] namespace Microsoft.Extensions.Options { public class Later; }""");
        return path;
    }
}
