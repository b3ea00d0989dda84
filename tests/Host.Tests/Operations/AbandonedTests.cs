using EveStorage.Cli.Api;
using EveStorage.Host.Operations;

namespace EveStorage.Tests;

/// <summary>Operations of which only the journal is left, in a pool that went on or did not.</summary>
public sealed class AbandonedTests : IAsyncLifetime
{
    private static readonly VolumeName s_volume = new("vm1");

    private readonly TestEngine _host = new();

    public async ValueTask InitializeAsync()
        => await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("vm1"), TestEngine.Create("vm2"));

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_delete_that_was_cut_short_never_takes_a_newer_volume_of_that_name()
    {
        Guid older = (await _host.Api.GetVolumeAsync(TestEngine.Pool, s_volume, default)).Id;
        await _host.DoAsync(Delete(), TestEngine.Create("vm1"));
        Guid newer = (await _host.Api.GetVolumeAsync(TestEngine.Pool, s_volume, default)).Id;
        Guid id = Abandon(Delete(), OperationState.Running, new() { ["vm1"] = older });

        await RestartAsync();

        OperationReport ended = await _host.Api.GetOperationAsync(id, default);
        (ended.State, ended.Error?.Kind).ShouldBe((OperationState.Failed, StorageErrorKind.Conflict));
        ended.Error!.Message.ShouldStartWith("is another volume now");
        (await _host.Api.GetVolumeAsync(TestEngine.Pool, s_volume, default)).Id.ShouldBe(newer);
    }

    [Fact]
    public async Task A_delete_that_was_cut_short_takes_the_volume_that_it_was_asked_for()
    {
        Guid there = (await _host.Api.GetVolumeAsync(TestEngine.Pool, s_volume, default)).Id;
        Guid id = Abandon(Delete(), OperationState.Running, new() { ["vm1"] = there });

        await RestartAsync();

        (await _host.Api.GetOperationAsync(id, default)).State.ShouldBe(OperationState.Succeeded);
        (await _host.Api.ListVolumesAsync(null, default)).Select(volume => $"{volume.Name}").ShouldBe(["vm2"]);
    }

    [Fact]
    public async Task The_journal_has_the_ids_of_what_was_there()
    {
        Guid there = (await _host.Api.GetVolumeAsync(TestEngine.Pool, s_volume, default)).Id;
        OperationReport resized = await _host.RunAsync(new ResizeVolume { Pool = TestEngine.Pool, Volume = s_volume, Size = ByteSize.MiB(8) });

        string path = PathOf(resized.Id);
        OperationDocument.Read(await File.ReadAllBytesAsync(path), path).Targets["vm1"].ShouldBe(there);
    }

    [Fact]
    public async Task What_an_operation_that_was_cut_short_still_claims_takes_no_other_change()
    {
        Guid id = Abandon(Delete(), OperationState.Running, []);

        StorageException e = await Should.ThrowAsync<StorageException>(() => _host.RunAsync(new ResizeVolume { Pool = TestEngine.Pool, Volume = s_volume, Size = ByteSize.MiB(8) }));

        (e.Kind, e.Message).ShouldBe((StorageErrorKind.Busy, $"data/vm1: belongs to operation {id}, which was cut short and not finished yet: see `evestorage doctor`"));
        await _host.DoAsync(new ResizeVolume { Pool = TestEngine.Pool, Volume = new("vm2"), Size = ByteSize.MiB(8) });
    }

    [Fact]
    public async Task One_that_was_killed_while_it_was_undone_is_undone_and_not_done_again()
    {
        string path = Directory.EnumerateFiles(Path.Combine(_host.State, "operations"), "*.json").MaxBy(File.GetLastWriteTimeUtc)!;
        OperationDocument made = OperationDocument.Read(await File.ReadAllBytesAsync(path), path);
        await File.WriteAllBytesAsync(path, (made with { Operation = made.Operation with { State = OperationState.Reverting, Ended = null } }).Write());

        await RestartAsync();

        (await _host.Api.GetOperationAsync(made.Operation.Id, default)).State.ShouldBe(OperationState.Cancelled);
        (await _host.Api.ListVolumesAsync(null, default)).Select(volume => $"{volume.Name}").ShouldBe(["vm1"]);
    }

    [Fact]
    public async Task A_delete_that_never_ran_and_was_being_undone_leaves_the_volume()
    {
        Guid id = Abandon(Delete(), OperationState.Reverting, []);

        await RestartAsync();

        (await _host.Api.GetOperationAsync(id, default)).State.ShouldBe(OperationState.Cancelled);
        (await _host.Api.ListVolumesAsync(null, default)).Count.ShouldBe(2);
    }

    [Fact]
    public async Task One_that_can_be_neither_done_nor_undone_needs_a_person_and_keeps_no_other_from_its_end()
    {
        Guid stuck = Abandon(new ResizeVolume { Pool = TestEngine.Pool, Volume = s_volume, Size = ByteSize.MiB(1) }, OperationState.Running, []);
        Guid other = Abandon(new DeleteVolume { Pool = TestEngine.Pool, Volume = new("vm2") }, OperationState.Running, []);

        await RestartAsync();

        (await _host.Api.GetOperationAsync(stuck, default)).State.ShouldBe(OperationState.NeedsAttention);
        (await _host.Api.GetOperationAsync(other, default)).State.ShouldBe(OperationState.Succeeded);
    }

    [Fact]
    public async Task A_volume_whose_operation_needs_a_person_takes_no_change_until_that_is_cleared()
    {
        Guid stuck = Abandon(new ResizeVolume { Pool = TestEngine.Pool, Volume = s_volume, Size = ByteSize.MiB(1) }, OperationState.NeedsAttention, []);

        StorageException e = await Should.ThrowAsync<StorageException>(() => _host.RunAsync(Delete()));
        e.Kind.ShouldBe(StorageErrorKind.NeedsAttention);
        e.Message.ShouldContain($"`evestorage operation clear {stuck}`");
        (await _host.Api.DiagnoseAsync(default)).ShouldHaveSingleItem();

        await _host.Api.ClearOperationAsync(stuck, default);

        (await _host.Api.DiagnoseAsync(default)).ShouldBeEmpty();
        await _host.DoAsync(Delete());
        (await Should.ThrowAsync<StorageException>(() => _host.Api.ClearOperationAsync(stuck, default))).Kind.ShouldBe(StorageErrorKind.Conflict);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_export_that_was_recorded_or_forgotten_and_was_being_undone_is_as_before(bool removed)
    {
        await _host.EndAsync();
        await _host.StartAsync(serve: true);
        await _host.DoAsync(TestEngine.Export("vm1"));
        if (removed)
        {
            await _host.DoAsync(new RemoveExport { Pool = TestEngine.Pool, Volume = s_volume });
        }

        string path = PathOf((await _host.Api.ListOperationsAsync(default))[^1].Id);
        OperationDocument last = OperationDocument.Read(await File.ReadAllBytesAsync(path), path);
        await _host.EndAsync();
        await File.WriteAllBytesAsync(path, (last with { Operation = last.Operation with { State = OperationState.Reverting, Ended = null } }).Write());
        await _host.StartAsync(serve: true);

        (await _host.Api.GetOperationAsync(last.Operation.Id, default)).State.ShouldBe(OperationState.Cancelled);
        (await _host.Api.ListExportsAsync(default)).Count(export => export.Address is not null).ShouldBe(removed ? 1 : 0);
    }

    private static DeleteVolume Delete() => new() { Pool = TestEngine.Pool, Volume = s_volume };

    private string PathOf(Guid id) => Path.Combine(_host.State, "operations", $"{id}.json");

    private Guid Abandon(ChangeRequest request, OperationState state, Dictionary<string, Guid> targets)
    {
        OperationDocument document = new()
        {
            Ids = new Dictionary<string, Guid>(),
            Targets = targets,
            Operation = new() { Id = Guid.NewGuid(), Request = request, UserId = 0, Started = TimeProvider.System.GetUtcNow(), State = state, Steps = [] },
        };
        File.WriteAllBytes(PathOf(document.Operation.Id), document.Write());
        return document.Operation.Id;
    }

    private async Task RestartAsync()
    {
        await _host.EndAsync();
        await _host.StartAsync();
    }
}
