using System.Text.RegularExpressions;
using System.Xml.Linq;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>That the tree is what its documents say.</summary>
public partial class LayoutTests
{
    private static IEnumerable<string> Projects { get; } =
        [.. new[] { "src", "plugins", "tests", "bench" }.Select(RepositoryFiles.Path).Where(Directory.Exists)
            .SelectMany(directory => Directory.EnumerateFiles(directory, "*.csproj", SearchOption.AllDirectories))];

    private static IEnumerable<string> Plugins => Directory.EnumerateDirectories(RepositoryFiles.Path("plugins"));

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        string solution = File.ReadAllText(RepositoryFiles.Path("EveStorage.Plugins.sln"));

        Projects.Where(project => !solution.Contains(Path.GetFileName(project), StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public void Every_project_locks_its_packages_and_states_no_version()
    {
        Projects.Where(project => !File.Exists(Path.Combine(Path.GetDirectoryName(project)!, "packages.lock.json"))).ShouldBeEmpty();
        Projects.Where(project => XDocument.Load(project).Descendants("PackageReference").Any(reference => reference.Attribute("Version") is not null)).ShouldBeEmpty();
    }

    [Fact]
    public void Every_plugin_has_a_manifest_and_a_page()
    {
        Plugins.Where(plugin => !File.Exists(Path.Combine(plugin, "plugin.json"))).ShouldBeEmpty();
        Plugins.Where(plugin => !File.Exists(Path.Combine(plugin, "README.md"))).ShouldBeEmpty();
    }

    [Fact]
    public void Every_link_of_a_page_leads_somewhere()
    {
        IEnumerable<string> pages = Directory.EnumerateFiles(RepositoryFiles.Root, "*.md", SearchOption.AllDirectories)
            .Where(page => !page.Contains("/artifacts/", StringComparison.Ordinal));

        pages.SelectMany(BrokenLinks).ShouldBeEmpty();
    }

    private static IEnumerable<string> BrokenLinks(string page)
        => Link.Matches(File.ReadAllText(page))
            .Select(match => match.Groups[1].Value)
            .Where(target => !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith('#'))
            .Where(target => !Path.Exists(Path.Combine(Path.GetDirectoryName(page)!, target.Split('#')[0])))
            .Select(target => $"{Path.GetRelativePath(RepositoryFiles.Root, page)} -> {target}");

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link { get; }
}
