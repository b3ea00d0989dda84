using EveStorage.Conformance;

namespace EveStorage.Tests;

/// <summary>How the kit runs plans for who has no host at hand.</summary>
public sealed class ConformancePlansTests
{
    private static readonly StorageException s_cause = new(StorageErrorKind.Io, "b", "was told to fail");
    private static readonly StorageException s_stuck = new(StorageErrorKind.Busy, "b", "was told not to revert");

    [Fact]
    public async Task Why_it_was_undone_is_told_first_when_undoing_fails_and_the_rest_is_undone()
    {
        List<string> did = [];
        Plan plan = Plan.Of(new Scripted("a", did, null, null), new Scripted("b", did, s_cause, s_stuck));

        AggregateException failed = await Should.ThrowAsync<AggregateException>(() => ConformancePlans.RunAsync(plan, new() { Id = Guid.NewGuid() }, CancellationToken.None));

        failed.InnerExceptions.ShouldBe([s_cause, s_stuck]);
        failed.Message.ShouldStartWith(s_cause.Message);
        did.ShouldBe(["+a", "-a"]);
    }

    [Fact]
    public async Task Why_it_was_undone_is_what_is_thrown_when_all_was_undone()
    {
        List<string> did = [];

        (await Should.ThrowAsync<StorageException>(() => ConformancePlans.RunAsync(
            Plan.Of(new Scripted("a", did, null, null), new Scripted("b", did, s_cause, null)), new() { Id = Guid.NewGuid() }, CancellationToken.None))).ShouldBeSameAs(s_cause);

        did.ShouldBe(["+a", "-b", "-a"]);
    }

    private sealed class Scripted(string name, List<string> did, Exception? fails, Exception? revertFails) : StorageStep
    {
        public override string Title => name;

        public override StepEffect Expected => StepEffect.Change;

        public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        {
            if (fails is not null)
            {
                throw fails;
            }

            did.Add($"+{name}");
            return new(StepOutcome.Changed);
        }

        public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        {
            if (revertFails is not null)
            {
                throw revertFails;
            }

            did.Add($"-{name}");
            return ValueTask.CompletedTask;
        }
    }
}
