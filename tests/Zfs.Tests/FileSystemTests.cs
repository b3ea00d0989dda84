using EveStorage.Testing;
using EveStorage.Zfs;

namespace EveStorage.Tests;

/// <summary>File systems that ZFS makes by itself: what it is told of them, and a host that is killed while their limits change.</summary>
public sealed class FileSystemTests : IAsyncLifetime
{
    private static readonly VolumeName s_newlog = new("newlog");

    private readonly OperationRequest _request = RunningPlans.RequestFor();
    private StandIn _zfs = null!;

    public async ValueTask InitializeAsync() => _zfs = await StandIn.OpenAsync();

    public ValueTask DisposeAsync()
    {
        _zfs.Dispose();
        return ValueTask.CompletedTask;
    }

    // Each command is a process: EVESTORAGE_LONG=1 takes every pair of moments.
    public static MatrixTheoryData<int, int> Cuts => new(Enumerable.Range(0, 4), Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1" ? Enumerable.Range(0, 4) : [2]);

    [Fact]
    public async Task One_has_its_size_as_a_quota_and_nothing_but_a_host_mounts_it()
    {
        await MakeAsync(VolumeTraits.Thin);

        (await FindAsync("refquota", "refreservation", "mountpoint", "compression")).ShouldBe([$"{32 << 20}", null, "legacy", null]);
        VolumeInfo made = (await _zfs.Pool.FindVolumeAsync(s_newlog, default)).ShouldNotBeNull();
        (made.Form, made.Size, made.Path).ShouldBe((VolumeForm.FileSystem, ByteSize.MiB(32), "tank/volumes/newlog"));
        made.Traits.HasFlag(VolumeTraits.Thin | VolumeTraits.Quota).ShouldBeTrue($"{made.Traits}");
        _zfs.Pool.SourceOf(s_newlog).ShouldBe(new FileSystemSource { Kind = "zfs", Source = "tank/volumes/newlog" });
    }

    [Fact]
    public async Task One_that_is_reserved_has_all_of_it_kept_free_and_one_that_is_to_be_compressed_is()
    {
        await MakeAsync(VolumeTraits.Compressed);

        (await FindAsync("refreservation", "compression")).ShouldBe([$"{32 << 20}", "lz4"]);
        VolumeInfo made = (await _zfs.Pool.FindVolumeAsync(s_newlog, default)).ShouldNotBeNull();
        (made.Traits & (VolumeTraits.Thin | VolumeTraits.Reserved | VolumeTraits.Compressed)).ShouldBe(VolumeTraits.Reserved | VolumeTraits.Compressed);
    }

    [Fact]
    public async Task A_disk_has_no_quota_and_a_file_system_no_blocks()
    {
        await MakeAsync(VolumeTraits.Thin);

        (await RefusedAsync(() => _zfs.Pool.PlanCreateAsync(new() { Name = new("vm"), Form = VolumeForm.Block, Size = ByteSize.MiB(8), Quota = ByteSize.MiB(8) }, default).AsTask()))
            .ShouldBe(StorageErrorKind.NotSupported);
        (await RefusedAsync(() => _zfs.Pool.OpenBlocksAsync(s_newlog, BlockAccess.Read, default).AsTask())).ShouldBe(StorageErrorKind.NotSupported);
        (await RefusedAsync(() => _zfs.Pool.PlanCreateAsync(new() { Name = s_newlog, Form = VolumeForm.Block, Size = ByteSize.MiB(32) }, default).AsTask()))
            .ShouldBe(StorageErrorKind.Conflict);
    }

    [Fact]
    public async Task One_that_is_mounted_is_not_deleted_until_it_is_no_more()
    {
        await MakeAsync(VolumeTraits.Thin);
        _zfs.Mount("tank/volumes/newlog");

        (await RefusedAsync(DeleteAsync)).ShouldBe(StorageErrorKind.Busy);
        _zfs.Mount(null);
        await DeleteAsync();

        (await _zfs.Pool.FindVolumeAsync(s_newlog, default)).ShouldBeNull();
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public async Task A_growth_that_is_cut_short_and_run_again_keeps_all_of_it_reserved(int first, int second)
    {
        await MakeAsync(VolumeTraits.None);
        await CutAsync(first, ApplyAsync, GrowAsync);
        await CutAsync(second, ApplyAsync, GrowAsync);

        (await CutAsync(null, ApplyAsync, GrowAsync)).ShouldBeTrue();

        (await FindAsync("refquota", "refreservation")).ShouldBe([$"{48 << 20}", $"{48 << 20}"]);
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public async Task Limits_that_are_cut_short_and_undone_and_that_cut_short_as_well_are_as_they_were(int run, int undo)
    {
        await MakeAsync(VolumeTraits.None);
        await CutAsync(run, ApplyAsync, LessAsync);
        await CutAsync(undo, RevertAsync, LessAsync);

        (await CutAsync(null, RevertAsync, LessAsync)).ShouldBeTrue();

        (await FindAsync("refquota", "refreservation")).ShouldBe([$"{32 << 20}", $"{32 << 20}"]);
    }

    [Fact]
    public async Task No_more_is_reserved_than_its_size()
    {
        await MakeAsync(VolumeTraits.Thin);

        (await RefusedAsync(() => _zfs.Pool.PlanLimitAsync(s_newlog, new() { Reservation = ByteSize.MiB(64) }, default).AsTask())).ShouldBe(StorageErrorKind.InvalidConfiguration);
    }

    [Fact]
    public async Task A_volume_without_a_device_is_told_and_keeps_its_pool_from_nothing()
    {
        await RunningPlans.RunAsync(_zfs.Pool.PlanCreateAsync(new() { Name = new("vm"), Form = VolumeForm.Block, Size = ByteSize.MiB(8) }, default), "vm");
        await MakeAsync(VolumeTraits.Thin);
        _zfs.Unlock();
        PluginServices services = _zfs.Pool.Services with { Time = new Hurried() };

        await OpenZpool.ReadyAsync(new("data"), _zfs.Pool.Zpool, _zfs.Pool.Options, services, default);

        _zfs.Events.Select(told => $"{told.Id} {told.Subject}").ShouldBe(["volume.no-device data/vm"]);
    }

    [Fact]
    public async Task A_volume_whose_key_is_not_there_says_by_which_name_it_is_looked_for()
    {
        OperationRequest made = await RunningPlans.RunAsync(_zfs.Pool.PlanCreateAsync(new() { Name = new("vm"), Form = VolumeForm.Block, Size = ByteSize.MiB(8) }, default), "vm");
        KeyName? locked = (await _zfs.Pool.FindVolumeAsync(new("vm"), default))!.LockedBy;
        _zfs.Unlock();

        locked.ShouldBe(new KeyName($"volume-{made.Ids["vm"]}"));
        (await _zfs.Pool.FindVolumeAsync(new("vm"), default))!.LockedBy.ShouldBeNull();
    }

    private static ValueTask<StepOutcome> ApplyAsync(StorageStep step, OperationContext context) => step.ApplyAsync(context, default);

    private static async ValueTask<StepOutcome> RevertAsync(StorageStep step, OperationContext context)
    {
        await step.RevertAsync(context, default);
        return StepOutcome.Changed;
    }

    private static async Task<StorageErrorKind> RefusedAsync(Func<Task> act) => (await Should.ThrowAsync<StorageException>(act)).Kind;

    private ValueTask<Plan> GrowAsync() => _zfs.Pool.PlanGrowAsync(s_newlog, ByteSize.MiB(48), default);

    private ValueTask<Plan> LessAsync() => _zfs.Pool.PlanLimitAsync(s_newlog, new() { Size = ByteSize.MiB(16), Reservation = ByteSize.MiB(8) }, default);

    private async Task DeleteAsync()
    {
        StorageStep delete = (await _zfs.Pool.PlanDeleteAsync(s_newlog, default)).Steps[0];
        await delete.ApplyAsync(RunningPlans.ContextOf(RunningPlans.RequestFor()) with { Time = new Hurried() }, default);
    }

    private async Task MakeAsync(VolumeTraits traits)
        => await RunningPlans.RunAsync(_zfs.Pool.PlanCreateAsync(new() { Name = s_newlog, Form = VolumeForm.FileSystem, Size = ByteSize.MiB(32), Traits = traits }, default), $"{s_newlog}");

    private Task<string?[]?> FindAsync(params string[] properties) => _zfs.Pool.Zpool.FindAsync("tank/volumes/newlog", default, properties);

    /// <summary>Runs a step until its commands are used up, and says whether it came to its end.</summary>
    private async Task<bool> CutAsync(int? commands, Func<StorageStep, OperationContext, ValueTask<StepOutcome>> doAsync, Func<ValueTask<Plan>> plan)
    {
        _zfs.CutAfter(commands);
        try
        {
            await doAsync((await plan()).Steps[0], RunningPlans.ContextOf(_request));
            return true;
        }
        catch (StorageException)
        {
            return false;
        }
        finally
        {
            _zfs.CutAfter(null);
        }
    }
}
