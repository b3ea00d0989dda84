using System.Text.Json;
using System.Text.RegularExpressions;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>
/// Plugins that were built once against the contract's packages and are kept as they were, in tests/Contracts/VERSION. A host whose
/// contract has grown since runs them; one with another major version refuses them by name.
/// </summary>
public sealed partial class ContractTests(PackedContract packed)
{
    internal const string Kept = "kept.files";

    // Those of this major version: a plugin of another is another contract's.
    private static IEnumerable<string> Versions
        => Directory.EnumerateDirectories(RepositoryFiles.Path("tests/Contracts")).Select(directory => Path.GetFileName(directory)!)
            .Where(version => Version.Parse(version).Major == Version.Parse(PackedContract.Contract).Major);

    [Fact]
    public async Task Every_part_of_a_kept_plugin_does_its_work_in_this_host()
    {
        foreach (string version in Versions)
        {
            using KeptUse use = new(PackedContract.Host, version);
            await use.RunAsync();
        }
    }

    [Fact]
    public async Task A_kept_plugin_keeps_its_promises_in_this_host()
    {
        Versions.ShouldNotBeEmpty();
        foreach (string version in Versions)
        {
            Ended check = await CheckAsync(PackedContract.Host, version);
            check.Code.ShouldBe(0, check.Output + check.Error);
        }
    }

    [Fact]
    public async Task A_kept_plugin_keeps_its_promises_and_does_its_work_in_a_host_whose_contract_has_one_more_interface()
    {
        Version now = Version.Parse(PackedContract.Contract);
        using TemporaryDirectory directory = new();
        string host = await HostOfAsync(directory, $"{now.Major}.{now.Minor + 1}");

        foreach (string version in Versions)
        {
            Ended check = await CheckAsync(host, version);
            check.Code.ShouldBe(0, check.Output + check.Error);
            using KeptUse use = new(host, version);
            await use.RunAsync();
        }
    }

    [Fact]
    public async Task A_kept_plugin_is_refused_by_name_where_the_contract_is_another()
    {
        Version now = Version.Parse(PackedContract.Contract);
        using TemporaryDirectory directory = new();
        string host = await HostOfAsync(directory, $"{now.Major + 1}.0");

        foreach (string version in Versions)
        {
            Ended check = await CheckAsync(host, version);
            check.Code.ShouldBe(4, check.Output + check.Error);
            check.Error.ShouldContain($"{Kept}: needs contract {version} and this host has {now.Major + 1}.0");
        }
    }

    [Fact]
    public void Every_manifest_and_page_states_the_contract_that_it_is_built_against()
    {
        foreach (string manifest in new[] { "plugins", "samples", "templates", "tests/Fixtures", "tests/BrokenPlugins" }
            .SelectMany(place => Directory.EnumerateFiles(RepositoryFiles.Path(place), "plugin.json", SearchOption.AllDirectories))
            .Where(manifest => !manifest.Contains("/bin/", StringComparison.Ordinal)))
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(manifest));
            document.RootElement.GetProperty("contract").GetString().ShouldBe(PackedContract.Contract, manifest);
        }

        foreach (string built in new[] { "samples/BtrfsBackend/Directory.Build.props", "templates/backend/Directory.Build.props", "src/Abstractions/README.md", "docs/write-a-backend.md" })
        {
            Stated.Matches(File.ReadAllText(RepositoryFiles.Path(built))).Select(match => match.Groups[1].Value).ShouldAllBe(version => version == PackedContract.Contract, built);
        }
    }

    /// <summary>This host, with the contract as a later version has it: one more interface, and another number.</summary>
    private async Task<string> HostOfAsync(TemporaryDirectory directory, string version)
    {
        foreach (string file in new[] { "Directory.Build.props", "Directory.Packages.props", "eng/Contract.props", "eng/BannedSymbols.txt" }
            .Concat(Directory.EnumerateFiles(RepositoryFiles.Path("src/Abstractions")).Select(path => Path.GetRelativePath(RepositoryFiles.Root, path))))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(directory[$"tree/{file}"])!);
            File.Copy(RepositoryFiles.Path(file), directory[$"tree/{file}"]);
        }

        await File.WriteAllTextAsync(
            directory["tree/src/Abstractions/IPaintedPool.cs"],
            "namespace EveStorage;\n\n/// <summary>What nobody knew of before.</summary>\npublic interface IPaintedPool : IStoragePool\n{\n    /// <summary>The colour.</summary>\n    string Colour { get; }\n}\n",
            TestContext.Current.CancellationToken);
        await packed.BuildAsync(directory["tree/src/Abstractions"], ".", $"-p:ContractVersion={version}", "-p:RunAnalyzers=false", "-o", directory["contract"]);
        foreach (string file in Directory.EnumerateFiles(BuiltHost.Directory, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(BuiltHost.Directory, path)).Where(file => !file.StartsWith("plugins/", StringComparison.Ordinal)))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(directory[$"host/{file}"])!);
            File.Copy(Path.Combine(BuiltHost.Directory, file), directory[$"host/{file}"]);
        }

        File.Copy(directory["contract/EveStorage.Abstractions.dll"], directory["host/EveStorage.Abstractions.dll"], overwrite: true);
        return directory["host/evestorage"];
    }

    private static async Task<Ended> CheckAsync(string host, string version)
    {
        using TemporaryDirectory place = new();
        BuiltHost.CopyPlugin(RepositoryFiles.Path($"tests/Contracts/{version}/{Kept}"), place[$"plugins/{Kept}"]);
        return await Shell.RunAsync(host, ["plugin", "check", Kept, "--kind", $"backend:{Kept}", "--from", place["plugins"], "--device", place["pool"]]);
    }

    [GeneratedRegex("""(?:EveStorageVersion>|Version=")(\d+\.\d+)\.0""")]
    private static partial Regex Stated { get; }
}
