using EveStorage.Zfs;

namespace EveStorage.Tests;

public class PoolLayoutTests
{
    [Theory]
    [InlineData(PoolRedundancy.None, 2, "a b")]
    [InlineData(PoolRedundancy.Mirror, 2, "mirror a b")]
    [InlineData(PoolRedundancy.Mirror, 3, "mirror a b c")]
    [InlineData(PoolRedundancy.Mirror, 4, "mirror a b mirror c d")]
    [InlineData(PoolRedundancy.Mirror, 5, "mirror a b c d e")]
    [InlineData(PoolRedundancy.Parity, 4, "raidz1 a b c d")]
    [InlineData(PoolRedundancy.DoubleParity, 5, "raidz2 a b c d e")]
    public void A_pool_s_drives_are_all_put_together_alike(PoolRedundancy redundancy, int drives, string words)
        => string.Join(' ', PoolLayout.Words(redundancy, PoolLayout.ParityOf(redundancy, null), [.. "abcde"[..drives].Select(letter => $"{letter}")])).ShouldBe(words);

    [Theory]
    [InlineData(PoolRedundancy.Parity, null, 3)]
    [InlineData(PoolRedundancy.DoubleParity, null, 4)]
    [InlineData(PoolRedundancy.DoubleParity, 3, 5)]
    [InlineData(PoolRedundancy.Mirror, null, 2)]
    [InlineData(PoolRedundancy.None, null, 1)]
    public void A_pool_that_could_not_hold_what_it_should_survive_is_refused(PoolRedundancy redundancy, int? parity, int least)
    {
        PoolSpec spec = new() { Name = new("data"), Redundancy = redundancy, Devices = [.. Enumerable.Range(0, least - 1).Select(number => $"/dev/{number}")] };

        Should.Throw<StorageException>(() => PoolRequest.Check(spec, new() { ParityDrives = parity })).Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);
        PoolRequest.Check(spec with { Devices = [.. spec.Devices, "/dev/last"] }, new() { ParityDrives = parity }).Devices.Count.ShouldBe(least);
    }
}
