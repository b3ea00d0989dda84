using EveStorage.Cli.Api;
using EveStorage.Host.Plugins;
using EveStorage.Testing;

namespace EveStorage.Tests;

public sealed class PluginCatalogTests : IDisposable
{
    private const string AbsentEntry =
        """{ "id": "a", "version": "1.0", "contract": "NOW", "assembly": "Fixture.YamlOld.dll", "entry": "EveStorage.Absent", "kinds": [] }""";

    private static readonly string s_yamlOld = Path.Combine(BuiltHost.Fixtures, "fixture.yaml-old");

    private readonly TemporaryDirectory _plugins = new();

    [Fact]
    public void The_plugins_of_the_embedded_profile_are_usable()
        => Load(BuiltHost.Plugins, "eve.file", "eve.nvmet-user", "eve.raw", "eve.qcow2", "eve.zfs-stream").Where(plugin => plugin.Enabled).ShouldAllBe(plugin => plugin.Usable);

    [Fact]
    public void Two_plugins_run_side_by_side_with_two_versions_of_one_library()
        => Load(BuiltHost.Fixtures, "fixture.yaml-new", "fixture.yaml-old").Where(plugin => plugin.Enabled).Select(plugin => (plugin.Usable, plugin.Kinds.Single()))
            .ShouldBe([(true, "image:yaml-16"), (true, "image:yaml-15")]);

    [Fact]
    public void Two_plugins_for_one_kind_are_both_refused()
    {
        BuiltHost.CopyPlugin(s_yamlOld, _plugins["a"]);
        BuiltHost.CopyPlugin(s_yamlOld, _plugins["b"]);
        string manifest = Path.Combine(_plugins["b"], "plugin.json");
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace("\"fixture.yaml-old\"", "\"fixture.other\"", StringComparison.Ordinal));

        IReadOnlyList<PluginReport> plugins = Load(_plugins.Path, "fixture.yaml-old", "fixture.other");

        plugins.Select(plugin => (plugin.Usable, plugin.Reasons.Single())).ShouldBe(
        [
            (false, "registers image:yaml-15, and so does fixture.yaml-old: enable one of them"),
            (false, "registers image:yaml-15, and so does fixture.other: enable one of them"),
        ]);
    }

    [Fact]
    public void Only_what_the_profile_enables_is_loaded()
    {
        PluginReport found = Load(BuiltHost.Fixtures, "fixture.yaml-new").Single(plugin => plugin.Id == "fixture.yaml-old");

        (found.Enabled, found.Usable).ShouldBe((false, false));
    }

    [Fact]
    public void One_that_is_enabled_and_nowhere_is_named()
        => Reason(Load(_plugins.Path, "eve.absent")).ShouldStartWith("is in none of the plugin directories");

    [Theory]
    [InlineData("""{ "id": "a", "version": "1.0", "contract": "NOW", "assembly": "x.dll", "entry": "X", "kinds": [], "typo": 1 }""", "typo")]
    [InlineData("""{ "id": "a", "version": "1.0", "contract": "NOW", "assembly": "../x.dll", "entry": "X", "kinds": [] }""", "is not a file beside it")]
    [InlineData("""{ "id": "a" }""", "is not a plugin manifest")]
    [InlineData("{ garbage", "is not a plugin manifest")]
    [InlineData("""{ "id": "a", "version": "1.0", "contract": "NOW", "assembly": "absent.dll", "entry": "X", "kinds": [] }""", "absent.dll is not in its folder")]
    [InlineData("""{ "id": "a", "version": "1.0", "contract": "NOW", "assembly": "x.dll", "entry": "X", "kinds": [], "needs": ["command:no-such-tool"] }""", "the command no-such-tool is missing")]
    public void A_manifest_that_cannot_be_followed_is_named_and_the_rest_works(string manifest, string reason)
    {
        Directory.CreateDirectory(_plugins["a"]);
        File.WriteAllText(Path.Combine(_plugins["a"], "plugin.json"), CompiledPlugin.OfThisContract(manifest));
        BuiltHost.CopyPlugin(s_yamlOld, _plugins["b"]);

        IReadOnlyList<PluginReport> plugins = Load(_plugins.Path, "a", "fixture.yaml-old");

        Reason(plugins).ShouldContain(reason);
        plugins[1].Usable.ShouldBeTrue();
    }

    [Theory]
    [InlineData("Fixture.YamlOld.dll", null, "Fixture.YamlOld.dll is not in its folder")]
    [InlineData("Fixture.YamlOld.dll", "garbage", "Fixture.YamlOld.dll is not an assembly")]
    [InlineData("YamlDotNet.dll", null, "YamlDotNet 15.0.0.0 is not in its folder")]
    [InlineData("YamlDotNet.dll", "garbage", "YamlDotNet.dll is not an assembly")]
    [InlineData("plugin.json", AbsentEntry, "EveStorage.Absent is not an IStoragePlugin")]
    [InlineData("Fixture.YamlOld.deps.json", "{ garbage", "could not be loaded")]
    public void A_broken_file_is_named_and_the_rest_works(string file, string? content, string reason)
    {
        BuiltHost.CopyPlugin(s_yamlOld, _plugins["a"]);
        BuiltHost.CopyPlugin(Path.Combine(BuiltHost.Fixtures, "fixture.yaml-new"), _plugins["b"]);
        File.Delete(Path.Combine(_plugins["a"], file));
        if (content is not null)
        {
            File.WriteAllText(Path.Combine(_plugins["a"], file), CompiledPlugin.OfThisContract(content));
        }

        IReadOnlyList<PluginReport> plugins = Load(_plugins.Path, "a", "fixture.yaml-old", "fixture.yaml-new");

        plugins.SelectMany(plugin => plugin.Reasons).ShouldContain(told => told.Contains(reason, StringComparison.Ordinal));
        plugins.Single(plugin => plugin.Id == "fixture.yaml-new").Usable.ShouldBeTrue();
    }

    [Theory]
    [InlineData("public Entry() => throw new System.ArithmeticException(\"no number\");", "no number")]
    [InlineData("public Entry(int number) { }", "could not be loaded")]
    public void An_entry_that_cannot_be_made_is_named(string members, string reason)
    {
        CompiledPlugin.Write(_plugins["compiled"], members);

        Reason(Load(_plugins.Path, "compiled")).ShouldContain(reason);
    }

    [Fact]
    public void What_a_plugin_registers_has_to_be_what_its_manifest_says()
    {
        BuiltHost.CopyPlugin(s_yamlOld, _plugins["a"]);
        string manifest = Path.Combine(_plugins["a"], "plugin.json");
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace("yaml-15", "yaml-14", StringComparison.Ordinal));

        Reason(Load(_plugins.Path, "fixture.yaml-old")).ShouldContain("its manifest and what it registers differ in image:yaml-15, image:yaml-14");
    }

    [Fact]
    public void The_highest_version_is_the_one_that_loads()
    {
        foreach (string version in (string[])["1.9.0", "1.10.0"])
        {
            string directory = Path.Combine(_plugins["yaml"], version);
            BuiltHost.CopyPlugin(s_yamlOld, directory);
            string manifest = Path.Combine(directory, "plugin.json");
            File.WriteAllText(manifest, File.ReadAllText(manifest).Replace("1.0.0", version, StringComparison.Ordinal));
        }

        PluginReport loaded = Load(_plugins.Path, "fixture.yaml-old").ShouldHaveSingleItem();

        (loaded.Version, loaded.Usable).ShouldBe(("1.10.0", true));
    }

    [Fact]
    public void A_directory_that_is_named_twice_is_searched_once()
    {
        Directory.CreateDirectory(_plugins["a"]);
        File.WriteAllText(Path.Combine(_plugins["a"], "plugin.json"), "{ garbage");

        PluginCatalog.Load(new() { Directories = [_plugins.Path, $"{_plugins.Path}/.", $"{_plugins.Path}/", ""] }).Entries.Count.ShouldBe(1);
    }

    public void Dispose() => _plugins.Dispose();

    private static PluginReport[] Load(string directory, params string[] enabled)
        => [.. PluginCatalog.Load(new() { Directories = [directory], Enabled = [.. enabled] }).Entries.Select(entry => entry.Report())];

    private static string Reason(IReadOnlyList<PluginReport> plugins)
    {
        plugins[0].Usable.ShouldBeFalse();
        return plugins[0].Reasons.ShouldHaveSingleItem();
    }
}
