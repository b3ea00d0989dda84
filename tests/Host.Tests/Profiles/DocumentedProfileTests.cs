using System.Text.Json;
using System.Text.RegularExpressions;
using EveStorage.Cli.Profiles;
using EveStorage.Host.Composition;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>What the pages tell a person to write is what the reader takes.</summary>
public sealed partial class DocumentedProfileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public static TheoryData<string> Pages => [.. Directory.GetFiles(RepositoryFiles.Path("plugins"), "README.md", SearchOption.AllDirectories).Select(RelativeOf)];

    public static TheoryData<string> Plugins => [.. Manifests.Select(RelativeOf)];

    private static IEnumerable<string> Manifests => Directory.GetDirectories(RepositoryFiles.Path("plugins")).Select(plugin => Path.Combine(plugin, "plugin.json")).Where(File.Exists);

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_example_of_a_page_is_a_profile_without_a_problem(string page)
    {
        string[] examples = [.. Example.Matches(File.ReadAllText(RepositoryFiles.Path(page))).Select(match => match.Groups[1].Value.Trim())];
        examples.Length.ShouldBeGreaterThan(page.Contains("Import") ? -1 : 0, "a part that a profile declares shows how");

        foreach (string example in examples)
        {
            ProblemsOf(example).ShouldBeEmpty(example);
        }
    }

    [Theory]
    [MemberData(nameof(Plugins))]
    public async Task Every_plugin_is_in_the_list_of_plugins_and_each_of_its_kinds_is_among_the_settings(string manifest)
    {
        using JsonDocument plugin = JsonDocument.Parse(await File.ReadAllTextAsync(RepositoryFiles.Path(manifest)));
        string page = $"{Path.GetDirectoryName(manifest)}/README.md";
        string all = await File.ReadAllTextAsync(RepositoryFiles.Path("README.md"));
        string settings = await File.ReadAllTextAsync(RepositoryFiles.Path("docs/configuration.md"));

        all.ShouldContain($"| `{plugin.RootElement.GetProperty("id").GetString()}` |");
        all.ShouldContain($"]({page})");
        settings.ShouldContain($"](../{page})");
        foreach (string[] kind in plugin.RootElement.GetProperty("kinds").EnumerateArray().Select(kind => kind.GetString()!.Split(':')).Where(kind => kind[0] != "image"))
        {
            settings.ShouldContain($"`{kind[1]}`");
        }
    }

    [Theory]
    [MemberData(nameof(Plugins))]
    public async Task Every_option_of_the_kernel_that_a_plugin_needs_is_in_the_kernel_s_fragment(string manifest)
    {
        string[] fragment = await File.ReadAllLinesAsync(RepositoryFiles.Path("docs/kernel.config"));

        foreach (Match option in KernelOption.Matches(await File.ReadAllTextAsync(RepositoryFiles.Path(manifest))))
        {
            fragment.ShouldContain(line => line.StartsWith($"{option.Value}="), option.Value);
        }
    }

    public void Dispose() => _directory.Dispose();

    private static string RelativeOf(string path) => Path.GetRelativePath(RepositoryFiles.Root, path);

    private List<string> ProblemsOf(string keys)
    {
        IEnumerable<string> ids = Manifests.Select(manifest => JsonDocument.Parse(File.ReadAllText(manifest)).RootElement.GetProperty("id").GetString()!);
        File.WriteAllText(_directory["p.json"], $$"""{ "Plugins": { "Enabled": {{JsonSerializer.Serialize(ids)}} }, {{keys}} }""");
        Problems problems = new();
        Profile profile = ProfileReader.Read(ProfileSource.Read(_directory["p.json"]), problems);
        profile.Plugins.Directories.Add(PluginsWithoutNeeds.In(_directory["plugins"], ids));
        StorageParts.Check(profile, PluginCatalog.Load(profile.Plugins), problems);
        return [.. problems.Lines];
    }

    [GeneratedRegex("^```jsonc?\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Example { get; }

    [GeneratedRegex("CONFIG_[A-Z0-9_]+")]
    private static partial Regex KernelOption { get; }
}
