using System.Text.Json;
using System.Text.Json.Nodes;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>samples/BtrfsBackend, built of the packages alone in a directory that knows nothing of this repository, and used.</summary>
public sealed class SampleTests(PackedContract packed, MountedBtrfs btrfs) : IClassFixture<MountedBtrfs>
{
    [Fact]
    public async Task The_sample_is_built_of_the_packages_keeps_every_promise_and_does_the_main_job()
    {
        string mounted = btrfs.Required;
        using TemporaryDirectory author = new();
        packed.Copy(RepositoryFiles.Path("samples/BtrfsBackend"), author["sample"]);
        await packed.BuildAsync(author["sample"], "tests");

        Ended kit = await Shell.RunAsync(author["sample/tests/bin/Debug/net10.0/Samples.Btrfs.Tests"], ["-noLogo", "-noColor"], author.Path, new Dictionary<string, string> { ["BTRFS"] = mounted });
        kit.Code.ShouldBe(0, kit.Output);

        BuiltHost.CopyPlugin(author["sample/src/bin/Debug/net10.0"], author["plugins/sample.btrfs"]);
        Directory.Exists(author["plugins/sample.btrfs"]).ShouldBeTrue();
        File.Exists(author["plugins/sample.btrfs/EveStorage.Abstractions.dll"]).ShouldBeFalse("the host has it");
        Ended check = await Shell.RunAsync(
            PackedContract.Host, ["plugin", "check", "sample.btrfs", "--from", author["plugins"], "--device", Path.Combine(mounted, "check"), "--set", "Quotas=true", "--json"]);
        check.Code.ShouldBe(0, check.Output + check.Error);
        check.Json.EnumerateArray().Where(promise => promise.TryGetProperty("reason", out _)).Select(promise => $"{promise}").ShouldBeEmpty();
        string[] tried = [.. check.Json.EnumerateArray().Where(promise => promise.TryGetProperty("kept", out JsonElement kept) && kept.GetBoolean()).Select(promise => promise.GetProperty("promise").GetString()!)];
        tried.ShouldContain("What compresses takes less of the pool than it is, and is read as it was written");
        tried.ShouldContain("A volume takes no more than its quota, and its neighbour goes on");
        tried.ShouldContain("A snapshot that is said to share takes next to nothing");

        Ended tryOnce = await Shell.RunAsync(PackedContract.Host, ["try", "--once", "--json", "--profile", await ProfileAsync(author, mounted)]);
        tryOnce.Code.ShouldBe(0, tryOnce.Output + tryOnce.Error);
        tryOnce.Json.GetProperty("sha256").GetString()!.Length.ShouldBe(64);
        Directory.GetFileSystemEntries(mounted).Where(entry => !Path.GetFileName(entry).All(char.IsAsciiHexDigit)).ShouldBeEmpty("the check and the try leave nothing");
    }

    // The sample's own profile, with the places of this test.
    private static async Task<string> ProfileAsync(TemporaryDirectory author, string mounted)
    {
        JsonNode profile = JsonNode.Parse(await File.ReadAllTextAsync(author["sample/profile.json"], TestContext.Current.CancellationToken))!;
        profile["Plugins"]!["Directories"] = new JsonArray(author["plugins"]);
        profile["Pools"]!["try"]!["Devices"] = new JsonArray(Path.Combine(mounted, "try"));
        await File.WriteAllTextAsync(author["profile.json"], profile.ToJsonString(), TestContext.Current.CancellationToken);
        return author["profile.json"];
    }
}
