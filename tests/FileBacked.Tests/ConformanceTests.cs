using EveStorage.Conformance;
using EveStorage.FileBacked;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The promises of every pool, on each file system that we know.</summary>
public sealed class ConformanceTests(Btrfs btrfs, Xfs xfs, Ext4 ext4) : IClassFixture<Btrfs>, IClassFixture<Xfs>, IClassFixture<Ext4>
{
    private static readonly ConformanceCase s_foreign = PoolConformance.ForeignIsLeftAlone(MakeForeignAsync, IsThereAsync);

    public static TheoryData<string> OfCopies => Of(VolumeTraits.None, copies: true);

    public static TheoryData<string> OfSharing => Of(VolumeTraits.None, copies: false);

    public static TheoryData<string> OfBtrfs => Of(VolumeTraits.Compressed, copies: false);

    private static IEnumerable<ConformanceCase> All => PoolConformance.Cases.Append(s_foreign);

    [Theory]
    [MemberData(nameof(OfCopies))]
    public async Task On_the_file_system_of_temporary_files(string promise) => await KeepsAsync(promise, null, null);

    [Theory]
    [MemberData(nameof(OfCopies))]
    public async Task Past_the_page_cache(string promise) => await KeepsAsync(promise, Needed.Require(ext4), true, new() { Direct = true });

    [Theory]
    [MemberData(nameof(OfCopies))]
    public async Task On_tmpfs(string promise) => await KeepsAsync(promise, "/dev/shm", true);

    [Theory]
    [MemberData(nameof(OfCopies))]
    public async Task On_ext4(string promise) => await KeepsAsync(promise, Needed.Require(ext4), true);

    [Theory]
    [MemberData(nameof(OfBtrfs))]
    public async Task On_btrfs(string promise) => await KeepsAsync(promise, Needed.Require(btrfs), false);

    [Theory]
    [MemberData(nameof(OfSharing))]
    public async Task On_xfs(string promise) => await KeepsAsync(promise, Needed.Require(xfs), false);

    /// <summary>The promises of pools of files, which claim more on some file systems.</summary>
    private static TheoryData<string> Of(VolumeTraits more, bool copies)
    {
        BackendCapabilities claimed = new()
        {
            Forms = new HashSet<VolumeForm> { VolumeForm.Block },
            Traits = VolumeTraits.Thin | VolumeTraits.Snapshots | VolumeTraits.Resizable | more,
            SnapshotsCopy = copies,
            ThinReadsZero = true,
            ThickReadsZero = true,
        };
        return [.. All.Where(promise => promise.AppliesTo(claimed)).Select(promise => promise.Name)];
    }

    private static async Task KeepsAsync(string promise, string? below, bool? copies, FileBackedOptions? options = null)
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync(below, options);
        ConformanceCase keeps = All.Single(c => c.Name == promise);
        made.Pool.Capabilities.SnapshotsCopy.ShouldBe(copies ?? made.Pool.Capabilities.SnapshotsCopy);

        keeps.AppliesTo(made.Pool).ShouldBeTrue("it is claimed");
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
