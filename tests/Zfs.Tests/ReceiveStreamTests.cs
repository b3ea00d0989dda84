using System.Text;
using EveStorage.Testing;
using EveStorage.Zfs;

namespace EveStorage.Tests;

/// <summary>What ZFS is told of a stream, in which order, and what of it is a volume when.</summary>
public sealed class ReceiveStreamTests : IAsyncLifetime
{
    private StandIn _zfs = null!;
    private ZfsPool _pool = null!;

    public async ValueTask InitializeAsync()
    {
        _zfs = await StandIn.OpenAsync();
        _pool = _zfs.Pool;
    }

    public ValueTask DisposeAsync()
    {
        _zfs.Dispose();
        return ValueTask.CompletedTask;
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

    [Fact]
    public async Task A_snapshot_whose_name_is_none_here_gets_one_that_no_other_has()
    {
        byte[] image = [.. RealStreams.Bytes("vol-inc.R.zs")];
        Rename(image, "@s1\0", "@S1\0");
        Rename(image, "@s2\0", "@received-1\0");

        await RunningPlans.RunAsync(_pool.PlanReceiveAsync(SpecOf("vm1"), "zfs-stream", new MemorySource(image), default), "vm1");

        (await LabelsAsync("vm1")).ShouldBe(["received-2", "received-1", "s3", "s4"]);
    }

    [Fact]
    public async Task Snapshots_that_were_received_have_the_same_ids_when_the_same_operation_is_run_again_and_others_for_another_volume()
    {
        OperationRequest request = RunningPlans.RequestFor("vm1");
        Plan plan = await PlanAsync("vm1", "vol-inc.R.zs");
        await RunningPlans.RunAsync(plan, request, default);
        List<Guid> first = await IdsAsync("vm1");
        await plan.Steps[0].RevertAsync(RunningPlans.ContextOf(request), default);

        await RunningPlans.RunAsync(await PlanAsync("vm1", "vol-inc.R.zs"), request, default);
        await ReceiveAsync("vm2", "vol-inc.R.zs");

        (await IdsAsync("vm1")).ShouldBe(first);
        first.Concat(await IdsAsync("vm2")).Distinct().Count().ShouldBe(8);
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

    // In the field of BEGIN, which has room for more.
    private static void Rename(Span<byte> image, string from, string to)
    {
        int at = image.IndexOf(Encoding.ASCII.GetBytes(from));
        at.ShouldBePositive();
        Encoding.ASCII.GetBytes(to, image[at..]);
    }

    private static VolumeSpec SpecOf(string name) => new() { Name = new(name), Form = VolumeForm.Block, Size = ByteSize.MiB(2), Traits = VolumeTraits.Thin };

    private ValueTask<Plan> PlanAsync(string name, string stream, bool canSeek = true)
        => _pool.PlanReceiveAsync(SpecOf(name), "zfs-stream", new MemorySource(RealStreams.Bytes(stream)) { CanSeek = canSeek }, default);

    private Task<OperationRequest> ReceiveAsync(string name, string stream, bool canSeek = true) => RunningPlans.RunAsync(PlanAsync(name, stream, canSeek), name);

    private Task<string[]> ToldAsync() => _zfs.ToldAsync();

    private async Task<List<string>> VolumesAsync() => await _pool.ListVolumesAsync(default).Select(volume => $"{volume.Name}").ToListAsync();

    private async Task<List<Guid>> IdsAsync(string volume) => await _pool.ListSnapshotsAsync(new(volume), default).Select(snapshot => snapshot.Id).ToListAsync();

    private async Task<List<string>> LabelsAsync(string volume) => await _pool.ListSnapshotsAsync(new(volume), default).Select(snapshot => snapshot.Name.Label).ToListAsync();
}
