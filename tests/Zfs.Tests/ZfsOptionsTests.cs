using EveStorage.Zfs;
using Microsoft.Extensions.Options;

namespace EveStorage.Tests;

public class ZfsOptionsTests
{
    [Fact]
    public void The_defaults_are_valid()
        => Validate(new()).Succeeded.ShouldBeTrue();

    [Fact]
    public void Every_wrong_value_is_said_at_once()
    {
        ZfsOptions wrong = new()
        {
            Pool = "mirror1",
            Ashift = 8,
            ParityDrives = 4,
            VolumeBlockSize = new(3000),
            Compression = "gzip",
            Encryption = "on",
            Key = "A key",
            LockTimeout = TimeSpan.Zero,
            BusyTimeout = TimeSpan.FromHours(1),
            RunDirectory = "run",
            PrimaryCache = (ZfsCache)7,
            LogBias = (ZfsLogBias)7,
        };

        Validate(wrong).Failures!.Count().ShouldBe(12);
    }

    [Theory]
    [InlineData("tank", true)]
    [InlineData("evestorage-data", true)]
    [InlineData("0tank", false)]
    [InlineData("tank/a", false)]
    [InlineData("raidz", false)]
    [InlineData("", false)]
    public void A_pool_s_name_is_one_that_ZFS_takes(string name, bool isOne)
        => (ZfsOptionsValidator.WhyNoPool(name) is null).ShouldBe(isOne);

    [Theory]
    [InlineData("zstd-19", true)]
    [InlineData("zstd-20", false)]
    [InlineData("zstd-01", false)]
    [InlineData("zstd-", false)]
    public void A_compression_is_one_that_ZFS_takes(string compression, bool isOne)
        => Validate(new() { Compression = compression }).Succeeded.ShouldBe(isOne);

    [Fact]
    public void Parity_goes_with_its_redundancy_alone()
    {
        PoolSpec mirror = new() { Name = new("data"), Devices = ["/dev/a", "/dev/b"], Redundancy = PoolRedundancy.Mirror };

        Should.Throw<StorageException>(() => PoolRequest.Check(mirror, new() { ParityDrives = 2 })).Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);
        PoolRequest.Check(mirror, new()).Pool.ShouldBe("evestorage-data");
    }

    private static ValidateOptionsResult Validate(ZfsOptions options) => new ZfsOptionsValidator().Validate(null, options);
}
