using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>Activates a new pool and takes away the mark that it is being made: from here on it is one.</summary>
internal sealed class FinishPool(PoolInMaking making, StepEffect expected) : StorageStep
{
    public override string Title { get; } = $"finish the pool {making.Request.Name}";

    public override StepEffect Expected => expected;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await making.LockAsync(Title, cancellationToken);
        VolumeGroup group = await making.RequireGroupAsync(cancellationToken);
        GroupFacts facts = await group.RequireAsync(cancellationToken);
        if (facts.Tags.Making is not Guid operation)
        {
            return facts.Tags.Mark!.Value.OutcomeFor(context);
        }

        await OpenGroup.ActivateAsync(group, cancellationToken);
        await group.RunAsync("vgchange", ["--deltag", LvTags.Tag("making", operation), group.Name], cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await making.LockAsync($"undo: {Title}", cancellationToken);
        if (await making.FindGroupAsync(cancellationToken) is VolumeGroup group
            && await group.FindAsync(cancellationToken) is GroupFacts facts && facts.Tags.Mark == context.Mark && facts.Tags.Making is null)
        {
            await group.RunAsync("vgchange", ["--addtag", LvTags.Tag("making", context.Request.Id), group.Name], cancellationToken);
        }
    }
}
