using EveStorage.Testing;

[assembly: AssemblyFixture(typeof(EveStorage.Tests.PackedContract))]

namespace EveStorage.Tests;

/// <summary>The packages, packed once, and a place for packages that no build of this repository sees. What others than we made is taken from where it was restored to.</summary>
public sealed class PackedContract : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();

    /// <summary>Where they are.</summary>
    internal string Packages => _directory["packages"];

    /// <summary>The version of the contract, as the build has it.</summary>
    internal static string Contract { get; } = VersionOf(File.ReadAllText(RepositoryFiles.Path("eng/Contract.props")));

    internal static string Host { get; } = Path.Combine(BuiltHost.Directory, "evestorage");

    /// <summary>What keeps the tools of an author to a place of their own.</summary>
    internal IReadOnlyDictionary<string, string> Variables => new Dictionary<string, string>
    {
        ["NUGET_PACKAGES"] = _directory["restored"],
        ["DOTNET_CLI_HOME"] = _directory["home"],
        ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
        ["DOTNET_NOLOGO"] = "1",
        ["MSBUILDDISABLENODEREUSE"] = "1",
        ["CI"] = "false",
    };

    public async ValueTask InitializeAsync() => await Shell.DoAsync(RepositoryFiles.Path("eng/pack"), [Packages]);

    public ValueTask DisposeAsync()
    {
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Copies sources to <paramref name="target"/>, outside of this repository, with the packages beside them.</summary>
    internal void Copy(string source, string target)
    {
        foreach (string file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories)
            .Where(file => !Path.GetRelativePath(source, file).Split('/').Any(part => part is "bin" or "obj" or "packages")))
        {
            string copy = Path.Combine(target, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        Directory.CreateDirectory(Path.Combine(target, "packages"));
        foreach (string package in Directory.EnumerateFiles(Packages))
        {
            File.Copy(package, Path.Combine(target, "packages", Path.GetFileName(package)));
        }
    }

    /// <summary>Builds a project there.</summary>
    internal Task<Ended> BuildAsync(string directory, string project, params string[] properties)
    {
        string restored = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget/packages");
        return Shell.DoAsync("dotnet", ["build", project, "-v", "quiet", "-clp:NoSummary", $"-p:RestoreFallbackFolders={restored}", "-p:NuGetAudit=false", .. properties], directory, Variables);
    }

    private static string VersionOf(string properties) => properties.Split("<ContractVersion>")[1].Split('<')[0];
}
