using EveStorage.Host.Plugins;

namespace EveStorage.Tests;

public class ContractRangeTests
{
    private static readonly ContractRange s_first = new(new(1, 0), new(1, 0));
    private static readonly ContractRange s_grown = new(new(1, 0), new(1, 1));

    [Fact]
    public void A_host_runs_what_was_built_against_its_own_contract_or_an_earlier_one_of_its_major_version()
    {
        Should.NotThrow(() => Built("1.0").RequireContract(s_first));
        Should.NotThrow(() => Built("1.0").RequireContract(s_grown));
        Should.NotThrow(() => Built("1.1").RequireContract(s_grown));
    }

    [Theory]
    [InlineData("1.2", "acme.shelves: needs contract 1.2 and this host has 1.0 to 1.1: install the plugin's build for this host")]
    [InlineData("2.0", "acme.shelves: needs contract 2.0 and this host has 1.0 to 1.1: install the plugin's build for this host")]
    [InlineData("0.9", "acme.shelves: needs contract 0.9 and this host has 1.0 to 1.1: install the plugin's build for this host")]
    public void Any_other_is_refused_by_name(string contract, string message)
    {
        StorageException e = Should.Throw<StorageException>(() => Built(contract).RequireContract(s_grown));

        (e.Kind, e.Message).ShouldBe((StorageErrorKind.NotSupported, message));
    }

    [Fact]
    public void This_hosts_contract_is_that_of_the_assembly_that_it_runs_with()
    {
        Version assembly = typeof(IStoragePlugin).Assembly.GetName().Version!;

        ContractRange.Ours.ShouldBe(new(new(assembly.Major, 0), new(assembly.Major, assembly.Minor)));
    }

    private static PluginManifest Built(string contract) => new()
    {
        Id = "acme.shelves",
        Version = new(1, 0),
        Contract = Version.Parse(contract),
        Assembly = "Acme.Shelves.dll",
        Entry = "Acme.Shelves.Plugin",
        Kinds = ["backend:acme.shelves"],
    };
}
