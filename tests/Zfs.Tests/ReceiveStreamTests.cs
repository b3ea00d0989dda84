using EveStorage.Linux;
using EveStorage.Testing;
using EveStorage.Zfs;
using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Tests;

/// <summary>What ZFS is told of a stream, in which order, and what of it is a volume when. A program stands in for zfs; the lab has the real one.</summary>
public sealed class ReceiveStreamTests : IAsyncLifetime, IEventSink
{
    private readonly TemporaryDirectory _place = new();
    private ZfsPool _pool = null!;

    public async ValueTask InitializeAsync()
    {
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Fixtures/stand-in/zfs"), _place["zfs"]);
        File.SetUnixFileMode(_place["zfs"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        await File.WriteAllTextAsync(_place["token"], StreamFeedTests.Token);
        Command zfs = Command.At(_place["zfs"]);
        PluginServices services = new() { Loggers = NullLoggerFactory.Instance, Time = TimeProvider.System, Events = this, Name = "data" };
        OpenZpool open = new(new("data"), new(new ZfsTools(zfs, zfs), "tank"), new(null, Guid.NewGuid(), "data", null, PoolRedundancy.None, null, null), new(2, 3));
        _pool = await ZfsPool.OpenAsync(open, new() { RunDirectory = _place["run"] }, services, default);
    }

    public ValueTask DisposeAsync()
    {
        _place.Dispose();
        return ValueTask.CompletedTask;
    }

    void IEventSink.Report(StorageEvent storageEvent)
    {
    }

    [Theory]
    [InlineData(true, "receive -s: 471744 bytes of s1")]
    [InlineData(false, "receive: 471744 bytes of s1")]
    public async Task A_stream_becomes_a_volume_with_its_snapshot_and_its_record(bool canSeek, string told)
    {
        OperationRequest request = await ReceiveAsync("vm1", "vol-inc.full.zs", canSeek);

        (await ToldAsync()).ShouldBe([told]);
        (await VolumesAsync()).ShouldBe(["vm1"]);
        (await _pool.Records.FindAsync(new("vm1"), default))!.Mark.ShouldBe(OwnerMark.Of(request.Id));
        (await LabelsAsync("vm1")).ShouldBe(["s1"]);
    }

    [Fact]
    public async Task A_stream_that_goes_on_from_a_snapshot_of_the_pool_is_received_upon_that_one()
    {
        await ReceiveAsync("vm1", "vol-inc.full.zs");
        await ReceiveAsync("vm2", "vol-inc.i12.zs", canSeek: false);

        (await ToldAsync())[^1].ShouldBe("receive -o origin=tank/volumes/vm1@s1: 421144 bytes of s2");
        (await VolumesAsync()).ShouldBe(["vm1", "vm2"]);
    }

    [Fact]
    public async Task The_streams_of_a_package_are_received_one_by_one()
    {
        await ReceiveAsync("vm1", "vol-inc.R.zs");

        (await ToldAsync()).Length.ShouldBe(4);
        (await LabelsAsync("vm1")).ShouldBe(["s1", "s2", "s3", "s4"]);
    }

    [Theory]
    [InlineData("vol-res.cut.zs", true, StorageErrorKind.Corrupt)]
    [InlineData("vol-res.cut.zs", false, StorageErrorKind.Corrupt)]
    [InlineData("vol-inc.i12.zs", true, StorageErrorKind.NotFound)]
    [InlineData("vol-inc.i12.zs", false, StorageErrorKind.NotFound)]
    [InlineData("layer.base.zs", true, StorageErrorKind.NotSupported)]
    [InlineData("layer.base.zs", false, StorageErrorKind.NotSupported)]
    [InlineData("tree.R.zs", false, StorageErrorKind.NotSupported)]
    [InlineData("vol-res.resumed.zs", true, StorageErrorKind.NotSupported)]
    public async Task What_can_t_be_a_volume_leaves_nothing(string name, bool canSeek, StorageErrorKind kind)
    {
        (await Should.ThrowAsync<StorageException>(() => ReceiveAsync("vm1", name, canSeek))).Kind.ShouldBe(kind);

        (await _pool.Zpool.ListAsync(default)).Select(dataset => dataset.Name).ShouldBe(["tank/volumes"]);
    }

    [Fact]
    public async Task An_operation_that_was_cut_short_goes_on_with_what_ZFS_has_of_it()
    {
        OperationRequest request = RunningPlans.RequestFor("vm1");
        Plan first = await PlanAsync("vm1", "vol-res.cut.zs");
        await Should.ThrowAsync<StorageException>(async () => await first.Steps[0].ApplyAsync(RunningPlans.ContextOf(request), default));
        (await VolumesAsync()).ShouldBeEmpty();

        await RunningPlans.RunAsync(await PlanAsync("vm1", "vol-res.full.zs"), request, default);

        (await ToldAsync())[^1].ShouldBe($"receive -s: {RealStreams.Bytes("vol-res.resumed.zs").Length} bytes of s1");
        (await VolumesAsync()).ShouldBe(["vm1"]);
    }

    private static VolumeSpec SpecOf(string name) => new() { Name = new(name), Form = VolumeForm.Block, Size = ByteSize.MiB(2), Traits = VolumeTraits.Thin };

    private ValueTask<Plan> PlanAsync(string name, string stream, bool canSeek = true)
        => _pool.PlanReceiveAsync(SpecOf(name), "zfs-stream", new MemorySource(RealStreams.Bytes(stream)) { CanSeek = canSeek }, default);

    private Task<OperationRequest> ReceiveAsync(string name, string stream, bool canSeek = true) => RunningPlans.RunAsync(PlanAsync(name, stream, canSeek), name);

    private Task<string[]> ToldAsync() => File.ReadAllLinesAsync(_place["told"]);

    private async Task<List<string>> VolumesAsync() => await _pool.ListVolumesAsync(default).Select(volume => $"{volume.Name}").ToListAsync();

    private async Task<List<string>> LabelsAsync(string volume) => await _pool.ListSnapshotsAsync(new(volume), default).Select(snapshot => snapshot.Name.Label).ToListAsync();
}
