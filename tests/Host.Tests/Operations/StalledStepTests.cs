using EveStorage.Host.Operations;

namespace EveStorage.Tests;

/// <summary>Steps that say nothing for too long, or do not come back.</summary>
public class StalledStepTests : ScriptedPlans
{
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
