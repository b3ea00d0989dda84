using EveStorage.ContainerdSnapshotter;
using EveStorage.Linux;

namespace EveStorage.Tests;

/// <summary>A real containerd, whose containers runc runs on our layers.</summary>
/// <param name="kind">The file system that they lie in.</param>
/// <param name="size">Its size.</param>
/// <param name="layer">The size of each layer; null for all that there is.</param>
/// <param name="isLong">Whether it is one of the long tests.</param>
public abstract class ContainerTests(string kind, int size, int? layer, bool isLong = false) : IAsyncLifetime
{
    // Its exit code tells: containerd's client may lose the last words of a container that ends.
    private const string Read = """read line < /data/greeting && [ "$line" = "from the image" ] || exit 3; """;
    private const string Fill = Read + """case $(dd if=/dev/zero of=/data/fill bs=1M 2>&1) in *"No space left on device"*) ;; *) exit 4; esac; """ + Read;
    private const string Write = Read + "echo written > /data/new && sync && read line < /data/new && [ $line = written ] || exit 5";
    private const string WriteOn = "while true; do dd if=/dev/zero of=/data/on bs=64k count=64 conv=fsync 2>/dev/null; done";

    private readonly SnapshotterDirectory _directory = new();
    private LoopFileSystem _place = null!;
    private SnapshotterServer _server = null!;
    private RunningContainerd _containerd = null!;

    private static bool Long => Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(!isLong || Long, "is long: set EVESTORAGE_LONG=1");
        _place = await LoopFileSystem.MakeAsync(kind, ByteSize.MiB(size));
        ContainerdSnapshotterOptions options = _directory.OptionsIn(_place.Path);
        options.LayerSize = layer is int limit ? ByteSize.MiB(limit) : null;
        _server = new(options, _directory.Services);
        await _server.StartAsync(TestContext.Current.CancellationToken);
        _containerd = await RunningContainerd.StartAsync(_directory["containerd"], options.Socket);
        await OciArchive.WriteAsync(_directory["image.tar"]);
        await _containerd.ImportAsync(_directory["image.tar"]);
    }

    public async ValueTask DisposeAsync()
    {
        await (_containerd?.DisposeAsync() ?? ValueTask.CompletedTask);
        await (_server?.DisposeAsync() ?? ValueTask.CompletedTask);
        await (_place?.DisposeAsync() ?? ValueTask.CompletedTask);
        await _directory.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_container_reads_the_image_and_writes_its_layer()
    {
        await _containerd.RunAsync("one", Write);

        await NothingIsLeftAsync();
    }

    [Fact]
    public async Task A_container_that_fills_its_layer_meets_the_limit_and_the_next_one_has_the_room_again()
    {
        await _containerd.RunAsync("one", Fill);
        await NothingIsLeftAsync();
        await _containerd.RunAsync("two", "dd if=/dev/zero of=/data/fill bs=1M count=16 2>/dev/null || exit 6");

        await NothingIsLeftAsync();
    }

    [Fact]
    public async Task A_layer_is_removed_while_a_container_writes_to_it()
    {
        await _containerd.BeginAsync("writer", WriteOn);

        await _containerd.RemoveLayerAsync("writer");

        (await _containerd.LayersAsync()).ShouldNotContain(line => line.StartsWith("writer", StringComparison.Ordinal));
        await _containerd.EndAsync("writer");
        await NothingIsLeftAsync();
    }

    [Fact]
    public async Task Containers_come_and_go_and_nothing_is_left()
    {
        for (int round = 0; round < (Long ? 1000 : 20); round++)
        {
            await _containerd.RunAsync($"c{round}", Write);
        }

        await NothingIsLeftAsync();
    }

    // No more than the image's two layers: as directories, records, mounts and loop devices.
    private async Task NothingIsLeftAsync()
    {
        string layers = Path.Combine(_place.Path, "eve.storage");
        await RunningContainerd.ComesTrueAsync(() => Directory.EnumerateDirectories(layers).Count() == 2, "only the image's layers are left");
        (await _containerd.LayersAsync()).Length.ShouldBe(2);
        MountTable.Read().Select(mount => mount.Point)
            .Where(point => point.StartsWith(_directory.Path, StringComparison.Ordinal) || point.StartsWith($"{_place.Path}/", StringComparison.Ordinal)).ShouldBeEmpty();

        // The last to close a device ends it, and that may be a process that another test is starting.
        await RunningContainerd.ComesTrueAsync(() => !LoopDevice.List().Any(loop => loop.File.StartsWith(_place.Path, StringComparison.Ordinal)), "no loop device is left");
    }
}

/// <summary>Layers are directories, and the file system that they lie in is the limit.</summary>
public sealed class OverlayContainerTests() : ContainerTests("ext4", size: 96, layer: null);

/// <summary>Layers are file systems of their own, in images that share blocks.</summary>
public sealed class CloneContainerTests() : ContainerTests("xfs", size: 1024, layer: 96);

/// <summary>Of the other kind, on btrfs.</summary>
public sealed class BtrfsContainerTests() : ContainerTests("btrfs", size: 1024, layer: 96, isLong: true);
