using EveStorage.Cli.Profiles;
using EveStorage.Host.Checks;
using EveStorage.Host.Composition;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using EveStorage.Testing;

namespace EveStorage.Tests;

public sealed class ProfileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task The_embedded_profile_has_no_problem()
        => (await ProblemsOfAsync(File.ReadAllText(RepositoryFiles.Path("profiles/embedded.json")))).ShouldBeEmpty();

    [Fact]
    public async Task Every_problem_is_told_at_once_with_its_key_and_what_is_allowed()
        => (await ProblemsOfAsync("""
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
            """)).ShouldBe(
            [
                "Pols: is no key of a profile; there are Api, Compression, Conversion, Desired, Encryption, EncryptionOptions, FileSystems, FrontEnds, Images, Keys, Operations, Plugins, Pools, Profile, Run, State, Transports",
                "State: 'somewhere' has to be an absolute path: a daemon and a command have different working directories",
                "Encryption: 'rot13' is no choice here; there are: none, luks2-under-pool, luks2-over-volume",
                "Plugins:Directory: is no option here; there are Directories, Enabled, Pins",
                "Pools:Data: is not a pool's name: lower-case letters, digits, dots, hyphens and underscores, 63 at most",
                "Pools:apps:Kind: 'files' is provided by no usable plugin; there are file",
                "Pools:less:Kind: is missing: it names what a plugin registers",
                "Pools:more:Redundancy: 'Triple' is none of its values: use one of None, Mirror, Parity, DoubleParity",
                "Pools:more:Options:Limits: is no option here; there are Direct, Directory, Limit, LockTimeout",
                "Pools:more:Options:Limit: '10 parsecs' is none of its values: write 512MiB",
                "Transports:tcp:Options:Adress: is no option here; there are",
                "Transports:tcp:Options:Port: must be between 0 and 65535",
            ],
            new StartsWith(),
            ignoreOrder: true);

    [Fact]
    public async Task What_has_another_shape_than_its_key_takes_is_told_and_never_taken_for_empty()
        => (await ProblemsOfAsync("""
            {
              "Plugins": { "Enabled": ["eve.file"], "Pins": { "eve.fil": "00" } },
              "Pools": { "data": { "Kind": "file", "Devices": "/pool", "Layers": "luks2" }, "more": { "Kind": "file", "Devices": [ { "Path": "/pool" } ], "Options": "x" } },
              "Transports": "tcp"
            }
            """)).ShouldBe(
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
    public async Task What_is_declared_empty_is_declared_all_the_same()
        => (await ProblemsOfAsync("""{ "Pools": { "nokind": {} }, "Transports": { "r": {} } }""")).ShouldBe(
            ["Pools:nokind:Kind: is missing: it names what a plugin registers", "Transports:r:Kind: is missing: it names what a plugin registers"]);

    [Theory]
    [InlineData("""{ "data": { "Kind": "file", "Devices": ["pool"] } }""", "Pools:data:Devices: 'pool' has to be an absolute path, or serial:, wwn: or pci: and what a drive has as that")]
    [InlineData("""{ "data": { "Kind": "file", "Devices": ["${Nope}/pool"] } }""", "Pools:data:Devices: '${Nope}/pool' has a variable that is none; there is ${State}")]
    [InlineData("""{ "a": { "Kind": "file", "Devices": ["/p"] }, "b": { "Kind": "file", "Devices": ["/p/"] } }""", "Pools:b:Devices: '/p/' is of pool a too: each pool has devices or a directory of its own")]
    [InlineData("""{ "data": { "Kind": "file", "Devices": ["/no/a", "/no/b"] } }""", "Pools:data: no directory is declared")]
    [InlineData("""{ "data": { "Kind": "file" } }""", "Pools:data: no directory is declared")]
    [InlineData("""{ "data": { "Kind": "file", "Devices": ["/no/a"], "Redundancy": "Mirror" } }""", "Pools:data: a directory has no redundancy of its own")]
    [InlineData("""{ "data": { "Kind": "file", "Devices": ["/no/a"], "Options": { "Limit": "1" } } }""", "Pools:data:Options:Limit: must be at least 1MiB")]
    public async Task Devices_that_a_pool_can_not_have_are_told(string pools, string problem)
        => (await ProblemsOfAsync($$"""{ "Plugins": { "Enabled": ["eve.file"] }, "Pools": {{pools}} }""")).ShouldHaveSingleItem().ShouldStartWith(problem);

    [Fact]
    public void A_drive_may_be_named_by_its_number()
    {
        Problems problems = new();

        Profile profile = Read("""{ "Pools": { "data": { "Kind": "lvm", "Devices": ["serial:S4EW", "wwn:eui.00a0", "pci:0000:01:00.0"] } } }""", problems);

        problems.Lines.ShouldBeEmpty();
        profile.Pools[new("data")].Devices.Count.ShouldBe(3);
    }

    [Fact]
    public async Task A_pool_over_encrypted_drives_needs_drives_and_a_source_of_keys()
        => (await ProblemsOfAsync("""{ "Plugins": { "Enabled": ["eve.file", "eve.luks"] }, "Encryption": "luks2-under-pool", "Pools": { "data": { "Kind": "file" } } }""")).ShouldBe(
            ["Pools:data: is encrypted, and there is no source of keys: declare Keys with a Kind, such as key-file", "Pools:data: no directory is declared"], new StartsWith());

    [Fact]
    public async Task A_group_that_is_none_is_told() => (await ProblemsOfAsync("""{ "Api": { "Group": "nosuchgroup" } }""")).ShouldBe(["Api:Group: 'nosuchgroup' is no group of this machine"]);

    [Fact]
    public void What_is_no_JSON_is_told_by_its_line()
        => Should.Throw<StorageException>(() => Read("{\n  \"Pools\": {\n    oops\n  }\n}", new())).Message.ShouldContain("line 3: ");

    [Fact]
    public void The_state_directory_may_be_part_of_a_device()
    {
        Profile profile = Read("""{ "State": "/here", "Pools": { "data": { "Kind": "file", "Devices": ["${State}/pools/data"] } } }""", new());

        profile.Pools[new("data")].Devices.ShouldBe(["/here/pools/data"]);
    }

    [Fact]
    public void A_profile_that_is_not_there_is_told_with_those_that_are()
        => Should.Throw<StorageException>(() => ProfileSource.Read("nowhere")).Message.ShouldStartWith("nowhere: is no profile; there are cluster-node, embedded");

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

    private async Task<List<string>> ProblemsOfAsync(string json)
    {
        Problems problems = new();
        Profile profile = Read(json, problems);
        profile.Plugins.Directories.Add(BuiltHost.Plugins);
        PluginCatalog catalog = PluginCatalog.Load(profile.Plugins);
        StorageParts.Check(profile, catalog, problems);
        await DeclarationCheck.RunAsync(profile, catalog, problems, TestContext.Current.CancellationToken);
        return [.. problems.Lines];
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
