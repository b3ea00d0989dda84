using EveStorage.Lvm;
using Microsoft.Extensions.Options;

namespace EveStorage.Tests;

public class LvmOptionsTests
{
    [Fact]
    public void The_defaults_are_valid() => new LvmOptionsValidator().Validate(null, new()).Succeeded.ShouldBeTrue();

    [Fact]
    public void Every_wrong_value_is_told_at_once()
    {
        LvmOptions options = new()
        {
            VolumeGroup = "-no",
            Provisioning = (LvmProvisioning)9,
            ExtentSize = new(3 << 20),
            ChunkSize = new(1000),
            MetadataSize = new(1),
            Stripes = 0,
            Overcommit = 0.5,
            MaxVolumes = 0,
            LockTimeout = TimeSpan.Zero,
            WatchInterval = TimeSpan.Zero,
            RunDirectory = "run",
        };

        ValidateOptionsResult result = new LvmOptionsValidator().Validate(null, options);

        result.Failures!.Count().ShouldBe(11);
        foreach (string name in typeof(LvmOptions).GetProperties().Select(property => property.Name).Except([nameof(LvmOptions.ErrorWhenFull), nameof(LvmOptions.DiscardPassdown)]))
        {
            result.FailureMessage!.ShouldContain(name);
        }
    }

    [Theory]
    [InlineData("evestorage-data", true)]
    [InlineData("vg_eve.1+2", true)]
    [InlineData("", false)]
    [InlineData(".hidden", false)]
    [InlineData("a b", false)]
    [InlineData("a/b", false)]
    public void A_volume_group_is_named_as_lvm_allows(string group, bool allowed) => (LvmOptionsValidator.WhyNoGroup(group) is null).ShouldBe(allowed);

    [Fact]
    public void A_pool_has_a_volume_group_of_its_name_unless_one_is_given()
    {
        new LvmOptions().GroupOf(new("data")).ShouldBe("evestorage-data");
        new LvmOptions { VolumeGroup = "persist" }.GroupOf(new("data")).ShouldBe("persist");
    }

    [Fact]
    public void A_pool_that_can_not_be_made_is_refused_with_every_reason()
    {
        PoolSpec spec = new() { Name = new("data"), Devices = ["/dev/vdb", "/dev/vdb"], Redundancy = PoolRedundancy.Parity };

        StorageException e = Should.Throw<StorageException>(() => PoolRequest.Check(spec, new() { Stripes = 3 }));

        e.Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);
        e.Message.ShouldContain("Parity needs 3 devices, and 2 are declared");
        e.Message.ShouldContain("a device is declared twice");
        e.Message.ShouldContain("Stripes 3 is for pools without redundancy");
    }
}
