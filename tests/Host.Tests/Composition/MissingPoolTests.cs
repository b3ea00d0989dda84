using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Operations;
using EveStorage.Host.Operations.Steps;

namespace EveStorage.Tests;

/// <summary>A pool whose disk is not mounted is missing, and its place is not free for another.</summary>
public sealed class MissingPoolTests : IAsyncLifetime
{
    private static readonly CreatePool s_create = new() { Pool = TestEngine.Pool };
    private static readonly ForgetPool s_forget = new() { Pool = TestEngine.Pool };
    private readonly TestEngine _host = new();

    private string Elsewhere => _host["disk"];

    private string Record => Path.Combine(_host.State, "known-pools", $"{TestEngine.Pool}.json");

    public async ValueTask InitializeAsync() => await (await _host.StartAsync()).DoAsync(s_create, TestEngine.Create("vm1"));

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Lists_and_the_doctor_say_that_it_is_missing_and_not_that_it_is_to_be_made()
    {
        await UnmountAsync();

        PoolReport pool = (await _host.Api.ListPoolsAsync(default)).ShouldHaveSingleItem();
        Finding finding = (await _host.Api.DiagnoseAsync(default)).ShouldHaveSingleItem();

        pool.Created.ShouldBeFalse();
        pool.Reasons.ShouldHaveSingleItem().ShouldContain("is missing: it has been here since 20");
        pool.Reasons[0].ShouldContain(_host.PoolPath);
        finding.Message.ShouldContain("mount or attach what it lies on");
        finding.Command.ShouldBeNull();
    }

    [Fact]
    public async Task None_is_made_in_its_place_and_it_is_back_with_its_volumes_when_its_disk_is()
    {
        await UnmountAsync();

        (await RefusedAsync(s_create)).Kind.ShouldBe(StorageErrorKind.Unavailable);
        (await RefusedAsync(new DeletePool { Pool = TestEngine.Pool })).Kind.ShouldBe(StorageErrorKind.Unavailable);
        (await RefusedAsync(TestEngine.Create("vm2"))).Message.ShouldContain("is missing");
        Directory.EnumerateFileSystemEntries(_host.PoolPath).ShouldBeEmpty();

        Directory.Delete(_host.PoolPath);
        Directory.Move(Elsewhere, _host.PoolPath);
        (await _host.Api.ListVolumesAsync(null, default)).ShouldHaveSingleItem().Name.ShouldBe(new("vm1"));
    }

    [Fact]
    public async Task Once_a_person_says_that_it_is_gone_another_is_made()
    {
        await UnmountAsync();

        Directory.Delete(_host.PoolPath);
        await _host.DoAsync(s_forget, s_create);

        (await _host.Api.ListVolumesAsync(TestEngine.Pool, default)).ShouldBeEmpty();
        (await RefusedAsync(s_forget)).Kind.ShouldBe(StorageErrorKind.Conflict);
    }

    [Fact]
    public async Task One_that_was_deleted_or_never_made_is_nothing_to_forget_and_is_made_without_a_question()
    {
        await _host.DoAsync(new DeleteVolume { Pool = TestEngine.Pool, Volume = new("vm1") }, new DeletePool { Pool = TestEngine.Pool });

        (await RefusedAsync(s_forget)).Kind.ShouldBe(StorageErrorKind.NotFound);
        await _host.DoAsync(s_create);
    }

    [Fact]
    public async Task One_that_was_made_elsewhere_is_known_once_it_was_opened()
    {
        await _host.EndAsync();
        Directory.Delete(Path.Combine(_host.State, "known-pools"), recursive: true);
        await _host.StartAsync();
        await _host.Api.ListVolumesAsync(null, default);

        await UnmountAsync();

        (await RefusedAsync(s_create)).ShouldBeOfType<MissingPoolException>();
    }

    [Fact]
    public async Task One_whose_making_was_undone_is_forgotten_though_it_was_seen_meanwhile()
    {
        KnownPools known = _host.Part<KnownPools>();
        known.Remove(TestEngine.Pool);
        Plan plan = Plan.Of(new ForgetUndone(known, TestEngine.Pool), new SeenAndFailing(known));

        await Should.ThrowAsync<StorageException>(() => _host.Part<PlanRunner>().RunAsync(PlanRun.OfOpening(plan, TestEngine.Pool), default));

        known.Contains(TestEngine.Pool).ShouldBeFalse();
    }

    [Fact]
    public async Task One_whose_record_is_damaged_is_missing_all_the_same()
    {
        await UnmountAsync();
        File.WriteAllBytes(Record, []);

        StorageException refused = await RefusedAsync(s_create);

        refused.ShouldBeOfType<MissingPoolException>().Message.ShouldContain("since an unknown day");
        await _host.DoAsync(s_forget);
    }

    [Fact]
    public async Task One_that_is_here_and_damaged_is_not_forgotten()
    {
        await _host.EndAsync();
        File.WriteAllText(Path.Combine(_host.PoolPath, "pool.json"), "{");
        await _host.StartAsync();

        (await RefusedAsync(s_forget)).Kind.ShouldBe(StorageErrorKind.Corrupt);
        File.Exists(Record).ShouldBeTrue();
    }

    [Fact]
    public void What_another_process_is_writing_of_it_is_not_touched()
    {
        KnownPools known = _host.Part<KnownPools>();
        known.Remove(TestEngine.Pool);
        File.WriteAllText($"{Record}.new", "half");

        known.Add(TestEngine.Pool);

        File.ReadAllText($"{Record}.new").ShouldBe("half");
        known.Contains(TestEngine.Pool).ShouldBeTrue();
    }

    // What a mount point looks as without its disk: an empty directory, open to others.
    private async Task UnmountAsync()
    {
        await _host.EndAsync();
        Directory.Move(_host.PoolPath, Elsewhere);
        Directory.CreateDirectory(_host.PoolPath);
        await _host.StartAsync();
    }

    private async Task<StorageException> RefusedAsync(ChangeRequest request)
        => await Should.ThrowAsync<StorageException>(() => _host.Api.SubmitAsync(request, null, default));

    private sealed class SeenAndFailing(KnownPools known) : StorageStep
    {
        public override string Title => "make it";

        public override StepEffect Expected => StepEffect.Change;

        public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        {
            known.Add(TestEngine.Pool);
            throw new StorageException(StorageErrorKind.Io, "data", "the disk failed");
        }

        public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }
}
