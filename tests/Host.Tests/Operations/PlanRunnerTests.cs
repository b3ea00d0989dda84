using EveStorage.Host.Events;
using EveStorage.Host.Locks;
using EveStorage.Host.Operations;
using EveStorage.Host.Plugins;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace EveStorage.Tests;

public class PlanRunnerTests
{
    private static readonly StorageException s_io = new(StorageErrorKind.Io, "d", "was told to fail");
    private static readonly StorageException s_busy = new(StorageErrorKind.Busy, "b", "was told not to revert");

    private readonly List<string> _did = [];
    private readonly FakeTimeProvider _time = new();
    private Action<StorageStep, string> _tell = static (_, _) => { };
    private Action<Exception> _tellReverting = static _ => { };

    [Fact]
    public async Task Reverts_the_failing_step_and_what_was_changed_in_reverse_order()
    {
        StorageStep[] plan = [Step("a"), Step("b", StepOutcome.AlreadySo), Step("c"), Step("d", fails: s_io), Step("e")];

        (await Should.ThrowAsync<StorageException>(() => RunAsync(plan))).ShouldBeSameAs(s_io);

        _did.ShouldBe(["+a", "+b", "+c", "-d", "-c", "-a"]);
    }

    [Fact]
    public async Task Reverts_whatever_the_exception_is()
    {
        await Should.ThrowAsync<InvalidOperationException>(() => RunAsync([Step("a"), Step("b", fails: new InvalidOperationException("a bug"))]));

        _did.ShouldBe(["+a", "-b", "-a"]);
    }

    [Fact]
    public async Task Reverts_although_the_caller_cancelled()
    {
        using CancellationTokenSource source = new();
        StorageStep[] plan = [Step("a"), Step("b", onApply: source.Cancel), Step("c")];

        await Should.ThrowAsync<OperationCanceledException>(() => RunAsync(plan, source.Token));

        _did.ShouldBe(["+a", "+b", "-b", "-a"]);
    }

    [Fact]
    public async Task Reverts_a_step_that_was_cancelled_in_its_middle()
    {
        await Should.ThrowAsync<OperationCanceledException>(() => RunAsync([Step("a"), Step("b", fails: new OperationCanceledException())]));

        _did.ShouldBe(["+a", "-b", "-a"]);
    }

    [Fact]
    public async Task Tells_both_the_first_error_and_the_one_of_undoing_and_still_undoes_the_rest()
    {
        Scripted stuck = Step("b", revertFails: s_busy);

        PlanFailedException e = await Should.ThrowAsync<PlanFailedException>(() => RunAsync([Step("a"), stuck, Step("c", fails: s_io)]));

        e.Kind.ShouldBe(StorageErrorKind.NeedsAttention);
        e.Cause.ShouldBeSameAs(s_io);
        e.RevertFailures.ShouldBe([new RevertFailure(stuck, s_busy)]);
        e.Message.ShouldBe("b: could not be undone (b: was told not to revert) after: d: was told to fail");
        _did.ShouldBe(["+a", "+b", "-c", "-a"]);
    }

    [Fact]
    public async Task Goes_only_forward_once_something_is_destroyed()
    {
        StorageStep[] plan = [Step("a"), Step("b", expected: StepEffect.Destroys("all")), Step("c"), Step("d", fails: s_io)];

        PlanFailedException e = await Should.ThrowAsync<PlanFailedException>(() => RunAsync(plan));

        e.Cause.ShouldBeSameAs(s_io);
        e.RevertFailures.ShouldBeEmpty();
        _did.ShouldBe(["+a", "+b", "+c"]);
    }

    [Fact]
    public async Task Goes_on_to_its_end_when_it_is_cancelled_after_something_was_destroyed()
    {
        using CancellationTokenSource source = new();
        StorageStep[] plan = [Step("a"), Step("b", expected: StepEffect.Destroys("all"), onApply: source.Cancel), Step("c"), Step("d")];

        await RunAsync(plan, source.Token);

        _did.ShouldBe(["+a", "+b", "+c", "+d"]);
    }

    [Fact]
    public async Task A_destructive_step_that_failed_before_it_destroyed_anything_is_undone_like_any_other()
    {
        StorageStep[] plan = [Step("a"), Step("b", expected: StepEffect.Destroys("all"), fails: s_io)];

        (await Should.ThrowAsync<StorageException>(() => RunAsync(plan))).ShouldBeSameAs(s_io);

        _did.ShouldBe(["+a", "-b", "-a"]);
    }

    [Fact]
    public async Task A_destructive_step_that_failed_half_way_ends_the_undoing()
    {
        StorageStep[] plan = [Step("a"), Step("b", expected: StepEffect.Destroys("all"), fails: s_io, revertFails: s_busy)];

        (await Should.ThrowAsync<PlanFailedException>(() => RunAsync(plan))).Cause.ShouldBeSameAs(s_io);

        _did.ShouldBe(["+a"]);
    }

    [Fact]
    public async Task Undoes_although_the_journal_fails()
    {
        _tell = (step, outcome) => _ = step.Title == "c" ? throw s_io : outcome;

        (await Should.ThrowAsync<StorageException>(() => RunAsync([Step("a"), Step("b"), Step("c")]))).ShouldBeSameAs(s_io);

        _did.ShouldBe(["+a", "+b", "-c", "-b", "-a"]);
    }

    [Fact]
    public async Task Stops_and_undoes_a_step_that_says_nothing_for_too_long()
    {
        Task run = RunAsync([Step("a"), new Silent(() => _time.Advance(TimeSpan.FromMinutes(4)), reports: 3)]);

        StorageException e = await Should.ThrowAsync<StorageException>(() => run.WaitAsync(TimeSpan.FromSeconds(30)));

        e.Message.ShouldBe("silent: made no progress for 300 s: check the drives that it reads and writes");
        _did.ShouldBe(["+a", "-a"]);
    }

    [Fact]
    public async Task A_step_that_says_the_same_again_and_again_is_stopped_as_well()
    {
        Task run = RunAsync([new Repeating(() => _time.Advance(TimeSpan.FromMinutes(1)))]);

        (await Should.ThrowAsync<StorageException>(() => run.WaitAsync(TimeSpan.FromSeconds(30)))).Message.ShouldStartWith("repeating: made no progress");
    }

    [Fact]
    public async Task A_step_that_does_not_end_when_it_is_told_to_is_left_alone_and_nothing_is_undone()
    {
        Deaf deaf = new();
        Task run = RunAsync([Step("a"), deaf]);
        await deaf.Began;

        _time.Advance(TimeSpan.FromMinutes(5));
        run.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(30));

        (await Should.ThrowAsync<StalledStepException>(() => run.WaitAsync(TimeSpan.FromSeconds(30)))).Message.ShouldBe(
            "deaf: has not come back: the host said nothing of it for 300 s, and did not end it within 30 s of being told to");
        _did.ShouldBe(["+a"]);
    }

    [Fact]
    public async Task One_that_was_left_may_go_on_to_report_and_nobody_hears_it()
    {
        Deaf deaf = new();
        Task run = RunAsync([deaf]);
        await deaf.Began;
        _time.Advance(TimeSpan.FromMinutes(5));
        _time.Advance(TimeSpan.FromSeconds(30));
        await Should.ThrowAsync<StalledStepException>(() => run.WaitAsync(TimeSpan.FromSeconds(30)));

        Should.NotThrow(() => deaf.Progress!.Report(new("deaf", new(1), null)));
    }

    [Fact]
    public async Task So_is_one_that_does_not_come_back_from_being_undone()
    {
        Deaf deaf = new(fails: s_io);
        Task run = RunAsync([Step("a"), deaf]);
        await deaf.Began;

        _time.Advance(TimeSpan.FromMinutes(2));
        _time.Advance(TimeSpan.FromSeconds(30));

        (await Should.ThrowAsync<StalledStepException>(() => run.WaitAsync(TimeSpan.FromSeconds(30)))).Message.ShouldBe(
            "undo: deaf: has not come back: the host said nothing of it for 120 s, and did not end it within 30 s of being told to, after: d: was told to fail");
        _did.ShouldBe(["+a"]);
    }

    [Fact]
    public async Task One_that_goes_on_is_waited_for_however_long_it_takes()
    {
        await RunAsync([new Repeating(() => _time.Advance(TimeSpan.FromMinutes(4)), times: 100)]).WaitAsync(TimeSpan.FromSeconds(30));

        _time.GetUtcNow().ShouldBeGreaterThan(_time.Start + TimeSpan.FromHours(6));
    }

    [Fact]
    public async Task That_undoing_begins_is_told_with_its_cause_before_the_first_step_is_undone()
    {
        _tellReverting = cause => _did.Add(cause.Message);

        await Should.ThrowAsync<StorageException>(() => RunAsync([Step("a"), Step("b", fails: s_io)]));

        _did.ShouldBe(["+a", "d: was told to fail", "-b", "-a"]);
    }

    [Fact]
    public async Task Each_step_has_its_own_time_to_be_undone()
    {
        StorageStep[] plan = [Step("a"), Step("b", onRevert: () => _time.Advance(TimeSpan.FromMinutes(3))), Step("c", fails: s_io)];

        (await Should.ThrowAsync<StorageException>(() => RunAsync(plan))).ShouldBeSameAs(s_io);

        _did.ShouldBe(["+a", "+b", "-c", "-b", "-a"]);
    }

    [Fact]
    public async Task After_a_crash_a_destructive_step_that_never_ran_keeps_nothing_from_being_undone()
    {
        await Runner.UndoAsync(RunOf([Step("a"), Step("b", expected: StepEffect.Destroys("all")), Step("c")]), s_io);

        _did.ShouldBe(["-c", "-b", "-a"]);
    }

    [Fact]
    public async Task After_a_crash_a_destructive_step_that_ran_ends_the_undoing()
    {
        PlanRun run = RunOf([Step("a"), Step("b", expected: StepEffect.Destroys("all"), revertFails: s_busy), Step("c")]);

        await Should.ThrowAsync<PlanFailedException>(() => Runner.UndoAsync(run, s_io));

        _did.ShouldBe(["-c"]);
    }

    private PlanRunner Runner => new(
        NullLogger<PlanRunner>.Instance, _time, new StalledPools(new EventLog(_time, NullLogger<EventLog>.Instance)), new PluginFaults(PluginCatalog.Load(new())));

    private Task RunAsync(IReadOnlyList<StorageStep> steps, CancellationToken cancellationToken = default) => Runner.RunAsync(RunOf(steps), cancellationToken);

    private PlanRun RunOf(IReadOnlyList<StorageStep> steps)
        => new()
        {
            Plan = new(steps),
            Request = new() { Id = Guid.NewGuid() },
            Tell = (step, outcome) => _tell(step, outcome),
            TellReverting = cause => _tellReverting(cause),
            Progress = new Progress<StepProgress>(),
            LockAsync = static (_, _) => Task.FromResult<HeldLock?>(null),
        };

    private Scripted Step(
        string name, StepOutcome outcome = StepOutcome.Changed, StepEffect? expected = null, Exception? fails = null, Exception? revertFails = null,
        Action? onApply = null, Action? onRevert = null)
        => new(name, _did, outcome, expected ?? StepEffect.Change, fails, revertFails, onApply, onRevert);

    private sealed class Scripted(
        string name, List<string> did, StepOutcome outcome, StepEffect expected, Exception? fails, Exception? revertFails, Action? onApply, Action? onRevert) : StorageStep
    {
        public override string Title => name;

        public override StepEffect Expected => expected;

        public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        {
            if (fails is not null)
            {
                throw fails;
            }

            did.Add($"+{name}");
            onApply?.Invoke();
            return new(outcome);
        }

        public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (revertFails is not null)
            {
                throw revertFails;
            }

            onRevert?.Invoke();
            did.Add($"-{name}");
            return ValueTask.CompletedTask;
        }
    }

    // Hears no token, in doing or in undoing.
    private sealed class Deaf(Exception? fails = null) : StorageStep
    {
        private readonly TaskCompletionSource _began = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Task Began => _began.Task;

        internal IProgress<StepProgress>? Progress { get; private set; }

        public override string Title => "deaf";

        public override StepEffect Expected => StepEffect.Change;

        public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        {
            Progress = context.Progress;
            return fails is null ? await NeverAsync() : throw fails;
        }

        public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => await NeverAsync();

        private async Task<StepOutcome> NeverAsync()
        {
            _began.SetResult();
            await new TaskCompletionSource().Task;
            return StepOutcome.Changed;
        }
    }

    // Says the same, or what is more each time, so many times.
    private sealed class Repeating(Action wait, int times = 0) : StorageStep
    {
        public override string Title => "repeating";

        public override StepEffect Expected => StepEffect.Change;

        public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        {
            for (int told = 0; times == 0 || told < times; told++)
            {
                wait();
                cancellationToken.ThrowIfCancellationRequested();
                context.Progress.Report(new(Title, new(times == 0 ? 7 : told), null));
            }

            return new(StepOutcome.Changed);
        }

        public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }

    // Reports a few times, each well within the limit, and then no more.
    private sealed class Silent(Action wait, int reports) : StorageStep
    {
        public override string Title => "silent";

        public override StepEffect Expected => StepEffect.Change;

        public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        {
            for (int told = 0; told < reports; told++)
            {
                wait();
                cancellationToken.ThrowIfCancellationRequested();
                context.Progress.Report(new(Title, new(told), null));
            }

            wait();
            wait();
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return StepOutcome.Changed;
        }

        public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }
}
