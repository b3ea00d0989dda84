using EveStorage.Host.Operations;

namespace EveStorage.Tests;

/// <summary>What is undone, and in which order.</summary>
public class PlanRunnerTests : ScriptedPlans
{
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
}
