using EveStorage.Host.Composition;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using EveStorage.Testing;

namespace EveStorage.Tests;

public sealed class ProfileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public void The_embedded_profile_has_no_problem()
        => ProblemsOf(File.ReadAllText(RepositoryFiles.Path("profiles/embedded.json"))).ShouldBeEmpty();

    [Fact]
    public void Every_problem_is_told_at_once_with_its_key_and_what_is_allowed()
        => ProblemsOf("""
            {
              "Pols": { "data": 1 },
              "State": "somewhere",
              "Encryption": "rot13",
              "Plugins": { "Enabled": ["eve.file", "eve.nvmet-user"], "Directory": "x" },
              "Pools": {
                "Data": { "Kind": "file", "Devices": ["/pool"] },
                "apps": { "Kind": "files", "Devices": ["/apps"] },
                "more": { "Kind": "file", "Redundancy": "Triple", "Options": { "Limit": "10 parsecs", "Limits": 1 } },
                "less": { "Devices": ["/less"] }
              },
              "Transports": { "tcp": { "Kind": "nvmet-user", "Options": { "Port": 70000, "Adress": "::1" } } }
            }
            """).ShouldBe(
            [
                "Pols: is no key of a profile; there are Api, Compression, Conversion, Encryption, EncryptionOptions, Keys, Plugins, Pools, Profile, Run, State, Transports",
                "State: 'somewhere' has to be an absolute path: a daemon and a command have different working directories",
                "Encryption: 'rot13' is no choice here; there are: none, luks2-under-pool, luks2-over-volume",
                "Plugins:Directory: is no option here; there are Directories, Enabled, Pins",
                "Pools:Data: is not a pool's name: lower-case letters, digits, dots, hyphens and underscores, 63 at most",
                "Pools:apps:Kind: 'files' is provided by no usable plugin; there are file",
                "Pools:less:Kind: is missing: it names what a plugin registers",
                "Pools:more:Redundancy: 'Triple' is not a PoolRedundancy (use one of None, Mirror, Parity, DoubleParity)",
                "Pools:more:Options:Limits: is no option here; there are Directory, Limit, LockTimeout, Preallocate",
                "Pools:more:Options:Limit: '10 parsecs' is not a ByteSize",
                "Transports:tcp:Options:Adress: is no option here; there are",
                "Transports:tcp:Options: ",
            ],
            new StartsWith(),
            ignoreOrder: true);

    [Fact]
    public void What_has_another_shape_than_its_key_takes_is_told_and_never_taken_for_empty()
        => ProblemsOf("""
            {
              "Plugins": { "Enabled": ["eve.file"], "Pins": { "eve.fil": "00" } },
              "Pools": { "data": { "Kind": "file", "Devices": "/pool", "Layers": "luks2" }, "more": { "Kind": "file", "Devices": [ { "Path": "/pool" } ], "Options": "x" } },
              "Transports": "tcp"
            }
            """).ShouldBe(
            [
                "Plugins:Pins:eve.fil: is pinned and not enabled: a pin of another name holds nothing",
                "Pools:data:Devices: takes a list: [ \"/pool\" ]",
                "Pools:data:Layers: takes a group of keys, not 'luks2'",
                "Pools:more:Devices:0: takes text: the list has nothing but values",
                "Pools:more:Options: takes a group of keys, not 'x'",
                "Transports: takes a group of keys, not 'tcp'",
            ],
            new StartsWith(),
            ignoreOrder: true);

    [Fact]
    public void The_state_directory_may_be_part_of_a_device()
    {
        Profile profile = Read("""{ "State": "/here", "Pools": { "data": { "Kind": "file", "Devices": ["${State}/pools/data"] } } }""", new());

        profile.Pools[new("data")].Devices.ShouldBe(["/here/pools/data"]);
    }

    [Fact]
    public void A_profile_that_is_not_there_is_told_with_those_that_are()
        => Should.Throw<StorageException>(() => ProfileSource.Read("nowhere")).Message.ShouldStartWith("nowhere: is no profile; there are embedded");

    [Fact]
    public async Task The_environment_is_read_and_the_profile_that_a_command_names_wins()
    {
        await using TestEngine host = new();
        Dictionary<string, string> environment = new() { ["EVESTORAGE__Api__Group"] = "disk", ["EVESTORAGE__Pools__data__Kind"] = "other", ["EVESTORAGE_LONG"] = "0" };
        using HostProgram program = HostProgram.StartWith(host, environment, "profile", "show");

        (int exitCode, string output, string error) = await program.EndAsync();

        exitCode.ShouldBe(0, error);
        output.ShouldContain("Api:Group = disk");
        output.ShouldContain("Pools:data:Kind = file");
        output.Split('\n').Where(line => !line.StartsWith('#')).Select(line => line.Split(" = ")[0]).ShouldNotContain(key => key.Contains("LONG", StringComparison.OrdinalIgnoreCase));
    }

    public void Dispose() => _directory.Dispose();

    private IReadOnlyList<string> ProblemsOf(string json)
    {
        Problems problems = new();
        Profile profile = Read(json, problems);
        profile.Plugins.Directories.Add(BuiltHost.Plugins);
        StorageParts.Check(profile, PluginCatalog.Load(profile.Plugins), problems);
        return problems.Lines;
    }

    private Profile Read(string json, Problems problems)
    {
        File.WriteAllText(_directory["p.json"], json);
        return ProfileReader.Read(ProfileSource.Read(_directory["p.json"]), problems);
    }

    // The first is what was told, the second how it has to begin.
    private sealed class StartsWith : IEqualityComparer<string>
    {
        public bool Equals(string? x, string? y) => x!.StartsWith(y!, StringComparison.Ordinal) || y!.StartsWith(x, StringComparison.Ordinal);

        public int GetHashCode(string obj) => 0;
    }
}
