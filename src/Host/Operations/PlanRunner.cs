using EveStorage.Host.Locks;
using EveStorage.Host.Plugins;
using Microsoft.Extensions.Logging;

namespace EveStorage.Host.Operations;

/// <summary>What became of a step, as the journal has it.</summary>
internal static class StepState
{
    internal const string Pending = "pending";
    internal const string Running = "running";
    internal const string Changed = "changed";
    internal const string AlreadySo = "already so";
    internal const string Failed = "failed";
    internal const string Reverted = "reverted";
}

/// <summary>How one plan is run.</summary>
internal sealed record PlanRun
{
    /// <summary>The plan.</summary>
    public required Plan Plan { get; init; }

    /// <summary>The operation it belongs to.</summary>
    public required OperationRequest Request { get; init; }

    /// <summary>The pool that takes no more changes when a step never comes back; null where it has none.</summary>
    public PoolName? Pool { get; init; }

    /// <summary>Told what becomes of each step, before it acts and afterwards. It returns when that is on disk.</summary>
    public required Action<StorageStep, string> Tell { get; init; }

    /// <summary>Told that undoing begins, and why, before the first step is undone. It returns when that is on disk.</summary>
    public required Action<Exception> TellReverting { get; init; }

    /// <summary>Whether, when it is cancelled, all is left as it is for the next start.</summary>
    public Func<bool> Leaves { get; init; } = static () => false;

    /// <summary>Where long steps report.</summary>
    public required IProgress<StepProgress> Progress { get; init; }

    /// <summary>Takes what a step has to hold while it acts; null when nothing.</summary>
    public required Func<StorageStep, CancellationToken, Task<HeldLock?>> LockAsync { get; init; }

    /// <summary>
    /// A plan that only opens what is there, or serves it again: nothing of it is on a disk, so that there is nothing to journal
    /// and after a crash nothing to undo.
    /// </summary>
    /// <param name="plan">The plan.</param>
    /// <param name="pool">The pool that it is about.</param>
    public static PlanRun OfOpening(Plan plan, PoolName pool) => new()
    {
        Plan = plan,
        Pool = pool,
        Request = new() { Id = Guid.NewGuid() },
        Tell = static (_, _) => { },
        TellReverting = static _ => { },
        Progress = new Progress<StepProgress>(),
        LockAsync = static (_, _) => Task.FromResult<HeldLock?>(null),
    };
}

/// <summary>Runs a plan's steps in order and, whatever goes wrong, reverts what this operation did.</summary>
internal sealed partial class PlanRunner(ILogger<PlanRunner> logger, TimeProvider time, StalledPools pools, PluginFaults faults)
{
    /// <summary>How long undoing one step may take before a person is called.</summary>
    public TimeSpan RevertTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a step may say nothing of its progress before it is stopped and undone.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a step, and undoing it, may go on after it was told to stop before it is left alone.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Runs it. Once a destructive step is done nobody's cancelling counts any more: there is no way back, and half of the way is the worst.</summary>
    /// <exception cref="PlanFailedException">It failed, and so did undoing it, or a destructive step was done. Any other
    /// exception is the first error, after all was undone.</exception>
    public async Task RunAsync(PlanRun run, CancellationToken cancellationToken)
    {
        OperationContext context = ContextOf(run);
        List<StorageStep> changed = new(run.Plan.Steps.Count);
        StorageStep? running = null;
        try
        {
            foreach (StorageStep step in run.Plan.Steps)
            {
                cancellationToken.ThrowIfCancellationRequested();
                HeldLock? held = await run.LockAsync(step, cancellationToken);
                StepOutcome outcome;
                try
                {
                    running = step;
                    run.Tell(step, StepState.Running);
                    outcome = await ApplyAsync(run, step, context, cancellationToken);
                    running = null;
                }
                catch (Exception e)
                {
                    LetGo(held, e);
                    throw;
                }

                held?.Dispose();
                LogApplied(step.Title, outcome);
                if (outcome == StepOutcome.Changed)
                {
                    changed.Add(step);
                    cancellationToken = step.Expected.Destroyed is null ? cancellationToken : CancellationToken.None;
                }

                run.Tell(step, outcome == StepOutcome.Changed ? StepState.Changed : StepState.AlreadySo);
            }
        }
        catch (Exception cause) when (cause is not StalledStepException && (cause is not OperationCanceledException || !run.Leaves()))
        {
            if (running is not null)
            {
                TellUnlessItFails(running.Title, () => run.Tell(running, StepState.Failed));
            }

            if (changed.Find(s => s.Expected.Destroyed is not null) is StorageStep passed)
            {
                throw new PlanFailedException(passed.Title, $"is done and can't be undone: run the operation again ({cause.Message})", cause, []);
            }

            await RevertAsync(run, context, [.. changed.Append(running).OfType<StorageStep>()], cause);
            throw;
        }
    }

    /// <summary>
    /// Undoes what this operation did of a plan before a crash: each step asks the marks, since nobody remembers how far it
    /// came. A destructive one that never ran has nothing to undo, and one that did says so.
    /// </summary>
    /// <param name="run">The plan.</param>
    /// <param name="cause">Why it is undone.</param>
    /// <exception cref="PlanFailedException">A step could not be undone.</exception>
    public Task UndoAsync(PlanRun run, Exception cause) => RevertAsync(run, ContextOf(run), run.Plan.Steps, cause);

    private async Task<StepOutcome> ApplyAsync(PlanRun run, StorageStep step, OperationContext context, CancellationToken cancellationToken)
    {
        using CancellationTokenSource stalled = new(StallTimeout, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stalled.Token);
        using Heard progress = new(context.Progress, () => stalled.CancelAfter(StallTimeout));
        OperationContext watched = context with { Progress = progress };
        try
        {
            return await EndAsync(run, step, step.Title, StallTimeout, () => step.ApplyAsync(watched, either.Token).AsTask(), stalled.Token);
        }
        catch (OperationCanceledException e) when (stalled.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new StorageException(
                StorageErrorKind.Io, step.Title, $"made no progress for {StallTimeout.TotalSeconds:0} s: check the drives that it reads and writes", e);
        }
    }

    // The lock of a step that may still act is kept.
    private void LetGo(HeldLock? held, Exception failure)
    {
        if (held is not null && failure is StalledStepException)
        {
            pools.Keep(held);
        }
        else
        {
            held?.Dispose();
        }
    }

    // On another thread, which it may keep: what does not return keeps nobody else waiting.
    private async Task<T> EndAsync<T>(PlanRun run, StorageStep step, string title, TimeSpan limit, Func<Task<T>> call, CancellationToken late)
    {
        TaskCompletionSource left = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ITimer? stop = null;
        await using CancellationTokenRegistration told = late.Register(() => stop = time.CreateTimer(_ => left.TrySetResult(), null, StopTimeout, Timeout.InfiniteTimeSpan));
        try
        {
            Task<T> running = Task.Run(call, CancellationToken.None);
            if (await Task.WhenAny(running, left.Task) == running)
            {
                return await running;
            }
        }
        finally
        {
            stop?.Dispose();
        }

        string owner = faults.OwnerOf(step.GetType()) is string plugin ? $"plugin {plugin}" : "the host";
        StalledStepException stalled = new(
            title, $"has not come back: {owner} said nothing of it for {limit.TotalSeconds:0} s, and did not end it within {StopTimeout.TotalSeconds:0} s of being told to");
        LogLeft(title, owner);
        if (run.Pool is PoolName pool)
        {
            pools.Add(pool, stalled);
        }

        throw stalled;
    }

    // While something is undone, the undoing is what matters: a journal that can't be written leaves the operation to the next start.
    private void TellUnlessItFails(string what, Action tell)
    {
        try
        {
            tell();
        }
        catch (StorageException e)
        {
            LogNotTold(what, e.Message);
        }
    }

    private async Task RevertAsync(PlanRun run, OperationContext context, IReadOnlyList<StorageStep> steps, Exception cause)
    {
        List<RevertFailure> failures = [];
        if (steps.Count > 0)
        {
            TellUnlessItFails("undoing", () => run.TellReverting(cause));
        }

        foreach (StorageStep step in steps.Reverse())
        {
            try
            {
                // Not the caller's token: a cancelled operation still has to be undone. The step that failed may have done a part.
                using CancellationTokenSource limit = new(RevertTimeout, time);
                HeldLock? held = await run.LockAsync(step, limit.Token);
                try
                {
                    await RevertAsync(run, step, context, limit.Token);
                }
                catch (Exception e)
                {
                    LetGo(held, e);
                    throw;
                }

                held?.Dispose();
                TellUnlessItFails(step.Title, () => run.Tell(step, StepState.Reverted));
                LogReverted(step.Title);
            }
            catch (StalledStepException stalled)
            {
                throw stalled.After(cause);
            }
            catch (Exception failure)
            {
                LogRevertFailed(step.Title, failure);
                failures.Add(new(step, failure));
                if (step.Expected.Destroyed is not null)
                {
                    break;   // it did destroy: undoing what led to it would not bring that back
                }
            }
        }

        if (failures.Count > 0)
        {
            throw new PlanFailedException(
                failures[0].Step.Title, $"could not be undone ({failures[0].Failure.Message}) after: {cause.Message}", cause, failures);
        }
    }

    private Task<bool> RevertAsync(PlanRun run, StorageStep step, OperationContext context, CancellationToken cancellationToken)
        => EndAsync(run, step, $"undo: {step.Title}", RevertTimeout, async () =>
        {
            await step.RevertAsync(context, cancellationToken);
            return true;
        }, cancellationToken);

    private OperationContext ContextOf(PlanRun run) => new(run.Request, logger, run.Progress, time);

    private sealed class Heard(IProgress<StepProgress> inner, Action heard) : IProgress<StepProgress>, IDisposable
    {
        private readonly Lock _lock = new();
        private (string Title, ByteSize Done) _last = ("", new(-1));
        private bool _isOver;

        // Saying the same again is no progress. A step that was left may go on to report, and there is nothing to report of any more.
        public void Report(StepProgress value)
        {
            lock (_lock)
            {
                if (_isOver)
                {
                    return;
                }

                if (_last != (value.Title, value.Done))
                {
                    _last = (value.Title, value.Done);
                    heard();
                }
            }

            inner.Report(value);
        }

        public void Dispose()
        {
            lock (_lock)
            {
                _isOver = true;
            }
        }
    }

    [LoggerMessage(4, LogLevel.Error, "{Title}: its outcome could not be journaled ({Reason})")]
    private partial void LogNotTold(string title, string reason);

    [LoggerMessage(5, LogLevel.Critical, "{Title}: has not come back from {Owner}, and is left alone")]
    private partial void LogLeft(string title, string owner);

    [LoggerMessage(1, LogLevel.Debug, "{Title}: {Outcome}")]
    private partial void LogApplied(string title, StepOutcome outcome);

    [LoggerMessage(2, LogLevel.Information, "undone: {Title}")]
    private partial void LogReverted(string title);

    [LoggerMessage(3, LogLevel.Error, "could not undo: {Title}")]
    private partial void LogRevertFailed(string title, Exception exception);
}
