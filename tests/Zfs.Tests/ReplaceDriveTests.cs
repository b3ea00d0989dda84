using EveStorage.Testing;
using EveStorage.Zfs;

namespace EveStorage.Tests;

/// <summary>A replacement that is lost while ZFS writes to it, and which operation's undoing takes it out.</summary>
public sealed class ReplaceDriveTests : IAsyncLifetime
{
    private const string Old = "/dev/nosuch-old";
    private const string Lost = "/dev/nosuch-new";

    private readonly OperationRequest _request = RunningPlans.RequestFor();
    private StandIn _zfs = null!;

    public async ValueTask InitializeAsync() => _zfs = await StandIn.OpenAsync();

    public ValueTask DisposeAsync()
    {
        _zfs.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task One_that_is_lost_is_taken_out_by_the_operation_that_put_it_in_though_its_device_is_gone()
    {
        await NoteAsync(_request.Id, "12");

        await RevertAsync();

        (await _zfs.ToldAsync()).ShouldBe(["detach tank 12"]);
        (await Replacements.FindAsync(_zfs.Pool.Zpool, default)).All.ShouldBeNull("there is nothing left to undo");
    }

    [Fact]
    public async Task Another_s_lost_replacement_stays()
    {
        await NoteAsync(Guid.NewGuid(), "12");

        await RevertAsync();

        (await _zfs.ToldAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task One_of_which_nobody_saw_that_it_was_put_in_stays_and_the_way_to_take_it_out_is_told()
    {
        await NoteAsync(_request.Id, "");

        StorageException told = await Should.ThrowAsync<StorageException>(RevertAsync);

        (told.Kind, told.Message.Contains("'zpool detach tank 12'", StringComparison.Ordinal)).ShouldBe((StorageErrorKind.NeedsAttention, true));
        (await _zfs.ToldAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task One_that_holds_all_by_now_stays_and_is_told()
    {
        await NoteAsync(_request.Id, "12");
        SetStatus(Disk(Lost, 12, "ONLINE"));

        (await Should.ThrowAsync<StorageException>(RevertAsync)).Kind.ShouldBe(StorageErrorKind.NeedsAttention);
        (await _zfs.ToldAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_device_that_is_not_there_replaces_nothing()
    {
        SetStatus(Disk(Old, 11, "ONLINE"));

        (await Should.ThrowAsync<StorageException>(PlanAsync)).Kind.ShouldBe(StorageErrorKind.NotFound);
        await NoteAsync(Guid.NewGuid(), "12");
        StorageStep step = (await PlanAsync()).Steps[0];
        (await Should.ThrowAsync<StorageException>(async () => await step.ApplyAsync(RunningPlans.ContextOf(_request), default))).Kind.ShouldBe(StorageErrorKind.NotFound);
    }

    [Fact]
    public async Task Notes_of_what_shares_no_place_any_more_go_with_the_next_one()
    {
        Guid done = Guid.NewGuid();
        Guid other = Guid.NewGuid();
        await NoteAsync(done, "7");
        await NoteAsync(other, "12");
        await NoteAsync(_request.Id, "");

        Replacements notes = await Replacements.FindAsync(_zfs.Pool.Zpool, default);
        (notes.By(done), notes.By(other), notes.By(_request.Id)).ShouldBe((null, "12", ""));
    }

    private static string Disk(string path, int guid, string state)
        => $$"""{"name":"{{path}}","vdev_type":"disk","guid":{{guid}},"path":"{{path}}","state":"{{state}}"}""";

    private async Task NoteAsync(Guid operation, string id)
    {
        SetStatus($$"""{"vdev_type":"replacing","guid":10,"state":"DEGRADED","vdevs":{"old":{{Disk(Old, 11, "ONLINE")}},"new":{{Disk(Lost, 12, "UNAVAIL")}} } }""");
        PoolReport report = (await _zfs.Pool.LookAsync(default)).Report;
        await (await Replacements.FindAsync(_zfs.Pool.Zpool, default)).NoteAsync(_zfs.Pool.Zpool, report, operation, id, default);
    }

    private void SetStatus(string drive)
        => _zfs.SetStatus($$"""{"pools":{"tank":{"state":"ONLINE","vdevs":{"tank":{"vdev_type":"root","guid":1,"state":"ONLINE","vdevs":{"drive":{{drive}} } } } } } }""");

    private Task<Plan> PlanAsync() => _zfs.Pool.PlanReplaceDriveAsync(Old, Lost, default).AsTask();

    private async Task RevertAsync() => await (await PlanAsync()).Steps[0].RevertAsync(RunningPlans.ContextOf(_request), default);
}
