using EveStorage.Host.Events;
using EveStorage.Host.Locks;
using EveStorage.Host.Operations;
using EveStorage.Host.Plugins;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace EveStorage.Tests;

/// <summary>Plans whose steps do, fail and are undone as a test says, and a runner with a clock of the test's.</summary>
public abstract class ScriptedPlans
{
    private protected static readonly StorageException s_io = new(StorageErrorKind.Io, "d", "was told to fail");
    private protected static readonly StorageException s_busy = new(StorageErrorKind.Busy, "b", "was told not to revert");

    private protected readonly List<string> _did = [];
    private protected readonly FakeTimeProvider _time = new();
    private protected Action<StorageStep, string> _tell = static (_, _) => { };
    private protected Action<Exception> _tellReverting = static _ => { };

    private protected PlanRunner Runner => new(
        NullLogger<PlanRunner>.Instance, _time, new StalledPools(new EventLog(_time, NullLogger<EventLog>.Instance)), new PluginFaults(PluginCatalog.Load(new())));

    private protected Task RunAsync(IReadOnlyList<StorageStep> steps, CancellationToken cancellationToken = default) => Runner.RunAsync(RunOf(steps), cancellationToken);

    private protected PlanRun RunOf(IReadOnlyList<StorageStep> steps)
        => new()
        {
            Plan = new(steps),
            Request = new() { Id = Guid.NewGuid() },
            Tell = (step, outcome) => _tell(step, outcome),
            TellReverting = cause => _tellReverting(cause),
            Progress = new Progress<StepProgress>(),
            LockAsync = static (_, _) => Task.FromResult<HeldLock?>(null),
        };

    private protected Scripted Step(
        string name, StepOutcome outcome = StepOutcome.Changed, StepEffect? expected = null, Exception? fails = null, Exception? revertFails = null,
        Action? onApply = null, Action? onRevert = null)
        => new(name, _did, outcome, expected ?? StepEffect.Change, fails, revertFails, onApply, onRevert);

    private protected sealed class Scripted(
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
}
