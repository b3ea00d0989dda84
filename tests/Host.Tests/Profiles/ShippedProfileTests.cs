using System.Text.Json;
using System.Text.Json.Nodes;
using EveStorage.Cli.Profiles;
using EveStorage.Host.Composition;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The profiles by hardware, each as it is shipped.</summary>
public sealed class ShippedProfileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public static TheoryData<string> Profiles => [.. Directory.GetFiles(RepositoryFiles.Path("profiles"), "*.json").Select(path => Path.GetFileNameWithoutExtension(path))];

    [Fact]
    public void There_is_one_for_each_kind_of_hardware()
        => Profiles.Select(row => row.Data).ShouldBe(["emmc-small", "single-ssd", "server-zfs", "cluster-node", "vm-in-cloud", "embedded"], ignoreOrder: true);

    [Theory]
    [MemberData(nameof(Profiles))]
    public void It_has_no_problem_once_its_drives_are_named(string name)
    {
        JsonNode document = JsonNode.Parse(File.ReadAllText(RepositoryFiles.Path($"profiles/{name}.json")))!;
        string[] enabled = [.. document["Plugins"]!["Enabled"]!.AsArray().Select(id => $"{id}")];
        foreach ((string _, JsonNode? pool) in document["Pools"]!.AsObject())
        {
            pool!["Devices"] ??= new JsonArray([.. Enumerable.Range(0, 3).Select(number => JsonValue.Create($"serial:drive{number}"))]);
        }

        File.WriteAllText(_directory[$"{name}.json"], document.ToJsonString());
        Problems problems = new();
        Profile profile = ProfileReader.Read(ProfileSource.Read(_directory[$"{name}.json"]), problems);
        profile.Plugins.Directories.Add(PluginsWithoutNeeds.In(_directory["plugins"], enabled));
        StorageParts.Check(profile, PluginCatalog.Load(profile.Plugins), problems);

        problems.Lines.ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Profiles))]
    public void Its_page_says_what_it_is_for_and_the_scenario_runs_under_it(string name)
    {
        string page = File.ReadAllText(RepositoryFiles.Path("profiles/README.md"));

        page.ShouldContain($"| `{name}` | ");
        (name == "embedded" || page.Contains($"\n## {name}\n", StringComparison.Ordinal)).ShouldBeTrue("the page has a part about it");
        File.ReadAllText(RepositoryFiles.Path("tests/Lab.Tests/ScenarioTests.cs")).ShouldContain($"[InlineData(\"{name}\"");
    }

    [Theory]
    [MemberData(nameof(Profiles))]
    public void Every_plugin_that_it_enables_is_one_of_the_tree(string name)
    {
        using JsonDocument profile = JsonDocument.Parse(File.ReadAllText(RepositoryFiles.Path($"profiles/{name}.json")));
        IEnumerable<string> ids = Directory.GetDirectories(RepositoryFiles.Path("plugins")).Select(plugin => Path.Combine(plugin, "plugin.json")).Where(File.Exists)
            .Select(manifest => JsonNode.Parse(File.ReadAllText(manifest))!["id"]!.GetValue<string>());

        profile.RootElement.GetProperty("Plugins").GetProperty("Enabled").EnumerateArray().Select(id => id.GetString()!).Except(ids).ShouldBeEmpty();
    }

    public void Dispose() => _directory.Dispose();
}
