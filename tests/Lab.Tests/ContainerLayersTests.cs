using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>
/// containerd's own suite for snapshotters, over the product's socket, on pools of drives. Natively it runs on pools of files:
/// ContainerdSuiteTests. EVESTORAGE_SUITE names one that was built before.
/// </summary>
public sealed class ContainerLayersTests
{
    private const int Seconds = 3000;
    private const string Clones = """, "LayerSize": "1GiB" """;
    private const string Place = "/run/evestorage/mounts/containers/layers";

    [Theory]
    [InlineData("xfs", Clones)]
    [InlineData("ext4", "")]
    public async Task On_logical_volumes_every_test_passes_or_is_skipped_by_the_suite_itself(string kind, string layers) => await RunAsync("lvm", Guest.NewKernel, kind, layers);

    [Theory]
    [InlineData("xfs", Clones)]
    [InlineData("zfs", "")]
    public async Task On_ZFS_every_test_passes_or_is_skipped_by_the_suite_itself(string kind, string layers) => await RunAsync("zfs", Guest.NewKernelWithZfs, kind, layers);

    private static async Task RunAsync(string backend, string kernel, string kind, string layers)
    {
        Guest.RequireLong();
        Guest.Require(kernel);
        using TemporaryDirectory place = new();
        string share = Directory.CreateDirectory(place["share"]).FullName;
        await MakeSuiteAsync(Path.Combine(share, "suite"));
        string profile = $$$"""
            {
              "State": "/root/state", "Run": "/run/evestorage", "FileSystems": { "Directory": "/run/evestorage/mounts" },
              "Plugins": { "Enabled": ["eve.{{{backend}}}", "eve.ext4", "eve.xfs", "eve.containerd-snapshotter"] },
              "Pools": { "data": { "Kind": "{{{backend}}}", "Devices": ["serial:pool"], "Layers": [{ "Kind": "ext4" }, { "Kind": "xfs" }] } },
              "FrontEnds": { "containerd": { "Kind": "containerd-snapshotter", "Options": { "Directory": "{{{Place}}}"{{{layers}}} } } }
            }
            """;
        await using HostedGuest hosted = await HostedGuest.StartAsync(
            profile, "--kernel", kernel, "--share", share, "--disk", $"{Drive.Make(place.Path, "pool", ByteSize.GiB(8))}");
        await hosted.Guest.RunAsync("modprobe loop; modprobe xfs; modprobe ext4; modprobe overlay");
        await hosted.ServeAsync();
        await hosted.ChangeAsync("""{"change":"create-pool","pool":"data"}""");
        await hosted.ChangeAsync($$"""{"change":"create-file-system","pool":"data","volume":"containers","size":{{6L << 30}},"kind":"{{kind}}"}""");
        await hosted.Guest.RunAsync($"mkdir {Place}; for i in $(seq 120); do [ -S /run/evestorage/snapshots.sock ] && exit 0; sleep 1; done; tail /root/daemon.log >&2; exit 1", 200);

        string output = await hosted.Guest.RunAsync(
            $"cd /root; SNAPSHOTTER_SOCKET=/run/evestorage/snapshots.sock /share/suite -test.run {(layers.Length > 0 ? "TestNative" : "TestOverlay")} -test.root -test.v 2>&1 || true", Seconds);

        output.Split('\n').Count(line => line.StartsWith("    --- PASS: Test", StringComparison.Ordinal)).ShouldBe(20, output);
        output.Split('\n').Where(line => line.StartsWith("    --- SKIP: Test", StringComparison.Ordinal)).ShouldHaveSingleItem().ShouldContain("/Rename ");
        output.ShouldNotContain("--- FAIL");
    }

    private static async Task MakeSuiteAsync(string path)
    {
        if (Environment.GetEnvironmentVariable("EVESTORAGE_SUITE") is string built)
        {
            File.Copy(built, path);
            return;
        }

        (int code, _, string error) = await Programs.RunAsync(RepositoryFiles.Path("tests/ContainerdSnapshotter.Tests/suite/build"), [path], 1200);
        code.ShouldBe(0, error);
    }
}
