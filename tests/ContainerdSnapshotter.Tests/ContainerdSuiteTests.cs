using EveStorage.ContainerdSnapshotter;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>containerd's own suite for snapshotters, over the socket. It takes minutes to build, so it is one of the long tests.</summary>
public sealed class ContainerdSuiteTests(BuiltSuite suite) : IClassFixture<BuiltSuite>
{
    private static readonly CommandLimits s_limits = new() { Total = TimeSpan.FromMinutes(20), Stall = TimeSpan.FromMinutes(15) };

    [Theory]
    [InlineData("ext4", null, "ext4")]
    [InlineData("xfs", 10240, "ext4")]
    [InlineData("xfs", 1024, "xfs")]
    [InlineData("btrfs", 10240, "ext4")]
    public async Task Every_test_passes_or_is_skipped_by_the_suite_itself(string kind, int? layer, string layerKind)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1", "is long: set EVESTORAGE_LONG=1");
        await using LoopFileSystem place = await LoopFileSystem.MakeAsync(kind, ByteSize.GiB(16));
        await using SnapshotterDirectory directory = new();
        ContainerdSnapshotterOptions options = directory.OptionsIn(place.Path);
        (options.LayerSize, options.FileSystem) = (layer is int size ? ByteSize.MiB(size) : null, layerKind);
        await using SnapshotterServer server = new(options, directory.Services);
        await server.StartAsync(default);

        // What the suite is told is what it takes us for: some kinds are excused from some tests.
        string output = await Command.At(suite.Program, s_limits).With(new Dictionary<string, string> { ["SNAPSHOTTER_SOCKET"] = options.Socket })
            .RunAsync(["-test.run", layer is null ? "TestOverlay" : "TestNative", "-test.root", "-test.v"], TestContext.Current.CancellationToken);

        output.Split('\n').Count(line => line.StartsWith("    --- PASS: Test", StringComparison.Ordinal)).ShouldBe(20, output);
        output.Split('\n').Where(line => line.StartsWith("    --- SKIP: Test", StringComparison.Ordinal)).ShouldHaveSingleItem().ShouldContain("/Rename ");
        output.ShouldNotContain("--- FAIL");
    }
}
