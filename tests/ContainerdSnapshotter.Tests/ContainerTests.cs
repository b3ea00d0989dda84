using EveStorage.ContainerdSnapshotter;
using EveStorage.Linux;

namespace EveStorage.Tests;

/// <summary>A real containerd, whose containers runc runs on our layers.</summary>
public sealed class ContainerTests : IAsyncLifetime
{
    private const string Fill = "dd if=/dev/zero of=/data/fill bs=1M 2>&1; echo after > /data/after; cat /data/greeting";
    private const string WriteOn = "while true; do dd if=/dev/zero of=/data/on bs=64k count=64 conv=fsync 2>/dev/null; done";

    private static readonly ByteSize s_size = ByteSize.MiB(96);

    private readonly SnapshotterDirectory _directory = new();
    private LoopFileSystem _place = null!;
    private SnapshotterServer _server = null!;
    private RunningContainerd _containerd = null!;

    public async ValueTask InitializeAsync()
    {
        _place = await LoopFileSystem.MakeAsync("ext4", s_size);
        _server = new(_directory.OptionsIn(_place.Path), _directory.Services);
        await _server.StartAsync(TestContext.Current.CancellationToken);
        _containerd = await RunningContainerd.StartAsync(_directory["containerd"], _directory.Options.Socket);
        await OciArchive.WriteAsync(_directory["image.tar"]);
        await _containerd.ImportAsync(_directory["image.tar"]);
    }

    public async ValueTask DisposeAsync()
    {
        await _containerd.DisposeAsync();
        await _server.DisposeAsync();
        await _place.DisposeAsync();
        await _directory.DisposeAsync();
    }

    [Fact]
    public async Task A_container_reads_the_image_and_writes_its_layer()
        => (await _containerd.RunAsync("one", "cat /data/greeting; echo written > /data/new; cat /data/new")).ShouldBe("from the image\nwritten\n");

    [Fact]
    public async Task A_container_that_fills_its_layer_meets_the_limit_and_the_next_one_has_the_room_again()
    {
        string first = await _containerd.RunAsync("one", Fill);
        await NothingIsLeftAsync();
        string second = await _containerd.RunAsync("two", "dd if=/dev/zero of=/data/fill bs=1M count=16 2>/dev/null && echo fits");

        first.ShouldContain("No space left on device");
        first.ShouldEndWith("from the image\n");
        second.ShouldBe("fits\n");
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
        int rounds = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1" ? 1000 : 20;

        for (int round = 0; round < rounds; round++)
        {
            (await _containerd.RunAsync($"c{round}", $"echo {round} > /data/new; cat /data/new")).ShouldBe($"{round}\n");
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
        Directory.EnumerateDirectories("/sys/block", "loop*").Select(loop => Path.Combine(loop, "loop", "backing_file")).Where(File.Exists)
            .Select(File.ReadAllText).ShouldNotContain(file => file.StartsWith(_place.Path, StringComparison.Ordinal));
    }
}
