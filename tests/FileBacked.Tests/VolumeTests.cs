using EveStorage.FileBacked;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>What lies on the disk, and what a crash or a stranger leaves there.</summary>
public class VolumeTests
{
    private static readonly VolumeName s_name = new("vm42");

    [Fact]
    public async Task A_volume_carries_its_id_its_owner_and_its_operation_and_its_exact_size()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();

        OperationRequest request = await made.CreateAsync("vm42", new(5000 * 512));

        VolumeRecord record = (await made.Pool.Records.FindAsync(s_name, default)).ShouldNotBeNull();
        record.Id.ShouldBe(request.Ids["vm42"]);
        record.Mark.ShouldBe(OwnerMark.Of(request.Id));
        VolumeInfo volume = (await made.Pool.FindVolumeAsync(s_name, default)).ShouldNotBeNull();
        volume.Size.ShouldBe(new(5000 * 512));
        Directory.GetFileSystemEntries(Path.Combine(made.Path, "volumes")).ShouldBe([Path.GetDirectoryName(volume.Path)!]);
    }

    [Fact]
    public async Task All_that_a_volume_is_survives_a_reinstall()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        OperationRequest request = await made.CreateAsync("vm42");
        await made.WriteAsync("vm42", 4096, 7);
        ExportRecord export = new() { Transport = "tcp", Subsystem = "nqn.2014-08.org.nvmexpress:uuid:1", NamespaceId = 3, AllowedHosts = new Dictionary<string, string?> { ["nqn.host"] = null } };
        VolumeRecord record = (await made.Pool.Records.FindAsync(s_name, default))!;
        await made.Pool.Records.ReplaceAsync(s_name, record with { Exports = [export] }, default);
        await made.Pool.DisposeAsync();

        await using FilePool pool = await made.OpenAsync();

        (await pool.FindVolumeAsync(s_name, default))!.Id.ShouldBe(request.Ids["vm42"]);
        (await pool.Records.FindAsync(s_name, default))!.Exports.Single().NamespaceId.ShouldBe(3);
    }

    [Fact]
    public async Task A_create_that_a_crash_cut_short_is_run_again_or_undone()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        OperationRequest request = RunningPlans.RequestFor("vm42");
        string unfinished = Directory.CreateDirectory(Path.Combine(made.Path, "volumes", $".tmp-{request.Id:N}-vm42")).FullName;
        File.WriteAllText(Path.Combine(unfinished, "image"), "half");
        (await made.Pool.GetStatusAsync(default)).Problems.ShouldHaveSingleItem().ShouldContain("cut short");
        Plan plan = await made.Pool.PlanCreateAsync(Spec("vm42"), default);

        await plan.Steps[0].RevertAsync(RunningPlans.ContextOf(RunningPlans.RequestFor("vm42")), default);
        Directory.Exists(unfinished).ShouldBeTrue("it is another operation's");
        (await RunningPlans.RunAsync(plan, request, default)).Count.ShouldBe(1);

        Directory.GetFileSystemEntries(Path.Combine(made.Path, "volumes")).Select(Path.GetFileName).ShouldBe(["vm42"]);
        await plan.Steps[0].RevertAsync(RunningPlans.ContextOf(request), default);
        Directory.GetFileSystemEntries(Path.Combine(made.Path, "volumes")).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_delete_that_a_crash_cut_short_is_finished_when_it_is_run_again()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("vm42");
        OperationRequest request = RunningPlans.RequestFor();
        string volumes = Path.Combine(made.Path, "volumes");
        Directory.Move(Path.Combine(volumes, "vm42"), Path.Combine(volumes, $".tmp-{request.Id:N}-vm42"));

        Plan plan = await made.Pool.PlanDeleteAsync(s_name, default);
        (await RunningPlans.RunAsync(plan, request, default)).Count.ShouldBe(1);

        Directory.GetFileSystemEntries(volumes).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("{ \"format\": 1, ")]
    [InlineData("""{ "format": 2, "later": [] }""")]
    public async Task A_volume_that_cannot_be_read_is_named_and_hides_no_other(string record)
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("bad");
        await made.CreateAsync("vm42");
        File.WriteAllText(Path.Combine(made.Path, "volumes", "bad", "record.json"), record);

        List<VolumeName> listed = await made.Pool.ListVolumesAsync(default).Select(v => v.Name).ToListAsync();
        PoolStatus status = await made.Pool.GetStatusAsync(default);

        listed.ShouldBe([s_name]);
        status.Health.ShouldBe(PoolHealth.Degraded);
        status.Problems.ShouldHaveSingleItem().ShouldStartWith("data/bad: ");
        await Should.ThrowAsync<StorageException>(async () => await made.Pool.PlanDeleteAsync(new("bad"), default));
        await Should.ThrowAsync<StorageException>(async () => await made.Pool.PlanCreateAsync(Spec("bad"), default));
    }

    [Fact]
    public async Task A_volume_that_is_open_is_not_deleted_whoever_has_it_open()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("vm42");
        await using FilePool other = await made.OpenAsync();
        IBlockSource blocks = await other.OpenBlocksAsync(s_name, BlockAccess.Read, default);

        StorageException e = await Should.ThrowAsync<StorageException>(async () => await DeleteAsync(made.Pool));
        e.Kind.ShouldBe(StorageErrorKind.Busy);
        await blocks.DisposeAsync();
        await DeleteAsync(made.Pool);

        (await made.Pool.FindVolumeAsync(s_name, default)).ShouldBeNull();
    }

    [Fact]
    public async Task A_grow_that_is_undone_gives_an_opening_its_old_end_back()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("vm42");
        await using IBlockSource blocks = await made.BlocksAsync("vm42");
        OperationRequest request = RunningPlans.RequestFor();
        Plan plan = await made.Pool.PlanGrowAsync(s_name, ByteSize.MiB(32), default);
        await RunningPlans.RunAsync(plan, request, default);
        await blocks.WriteAsync(ByteSize.MiB(31).Bytes, new byte[512], WriteDurability.Cached, default);

        await plan.Steps[0].RevertAsync(RunningPlans.ContextOf(request), default);

        await Should.ThrowAsync<StorageException>(async () => await blocks.WriteAsync(ByteSize.MiB(31).Bytes, new byte[512], WriteDurability.Cached, default));
        blocks.Size.ShouldBe(ByteSize.MiB(16));
    }

    [Fact]
    public async Task A_grow_that_a_crash_cut_short_and_that_is_run_again_is_undone_to_the_size_from_before()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync();
        await made.CreateAsync("vm42");
        OperationRequest request = RunningPlans.RequestFor();
        Plan plan = await made.Pool.PlanGrowAsync(s_name, ByteSize.MiB(32), default);
        await RunningPlans.RunAsync(plan, request, default);
        using (BlockFile image = BlockFile.Open(made.Pool.PathOf(s_name), writable: true))
        {
            image.SetLength(24 << 20);   // a crash within it
        }

        await RunningPlans.RunAsync(plan, request, default);
        await plan.Steps[0].RevertAsync(RunningPlans.ContextOf(request), default);

        (await made.Pool.FindVolumeAsync(s_name, default))!.Size.ShouldBe(ByteSize.MiB(16));
    }

    [Fact]
    public async Task A_change_waits_for_the_lock_of_the_pool_and_says_who_has_it()
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync(options: new() { LockTimeout = TimeSpan.FromMilliseconds(60) });
        using (FileLock? held = FileLock.TryAcquire(Path.Combine(made.Path, "lock"), "somebody's import"))
        {
            StorageStep step = (await made.Pool.PlanCreateAsync(Spec("vm42"), default)).Steps[0];
            StorageException e = await Should.ThrowAsync<StorageException>(async () => await step.ApplyAsync(RunningPlans.ContextOf(RunningPlans.RequestFor("vm42")), default));
            e.Message.ShouldContain("somebody's import");
        }

        await made.CreateAsync("vm42");
    }

    private static VolumeSpec Spec(string name) => new() { Name = new(name), Form = VolumeForm.Block, Size = ByteSize.MiB(16) };

    private static async Task DeleteAsync(FilePool pool) => await RunningPlans.RunAsync(pool.PlanDeleteAsync(s_name, default));
}
