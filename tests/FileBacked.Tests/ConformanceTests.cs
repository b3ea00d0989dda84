using EveStorage.Conformance;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The promises of every pool, on each file system that we know.</summary>
public sealed class ConformanceTests(Btrfs btrfs, Xfs xfs, Ext4 ext4) : IClassFixture<Btrfs>, IClassFixture<Xfs>, IClassFixture<Ext4>
{
    private static readonly ConformanceCase s_foreign = PoolConformance.ForeignIsLeftAlone(MakeForeignAsync, IsThereAsync);

    public static TheoryData<string> Promises => [.. All.Select(c => c.Name)];

    private static IEnumerable<ConformanceCase> All => PoolConformance.Cases.Append(s_foreign);

    [Theory]
    [MemberData(nameof(Promises))]
    public async Task On_the_file_system_of_temporary_files(string promise) => await KeepsAsync(promise, null, null);

    [Theory]
    [MemberData(nameof(Promises))]
    public async Task On_tmpfs(string promise) => await KeepsAsync(promise, "/dev/shm", true);

    [Theory]
    [MemberData(nameof(Promises))]
    public async Task On_ext4(string promise) => await KeepsAsync(promise, Needed.Require(ext4), true);

    [Theory]
    [MemberData(nameof(Promises))]
    public async Task On_btrfs(string promise) => await KeepsAsync(promise, Needed.Require(btrfs), false);

    [Theory]
    [MemberData(nameof(Promises))]
    public async Task On_xfs(string promise) => await KeepsAsync(promise, Needed.Require(xfs), false);

    private static async Task KeepsAsync(string promise, string? below, bool? copies)
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync(below);
        ConformanceCase keeps = All.Single(c => c.Name == promise);
        made.Pool.Capabilities.SnapshotsCopy.ShouldBe(copies ?? made.Pool.Capabilities.SnapshotsCopy);

        keeps.AppliesTo(made.Pool.Capabilities).ShouldBeTrue("files claim all that the kit checks");
        await keeps.CheckAsync(made.Pool, RunningPlans.RunAsync, CancellationToken.None);
    }

    private static async Task MakeForeignAsync(IStoragePool pool, VolumeName name)
    {
        string image = pool.PathOf(name);
        Directory.CreateDirectory(Path.GetDirectoryName(image)!);
        await File.WriteAllTextAsync(image, "foreign");
    }

    private static async Task<bool> IsThereAsync(IStoragePool pool, VolumeName name) => await File.ReadAllTextAsync(pool.PathOf(name)) == "foreign";
}
