namespace EveStorage.NvmetUser;

/// <summary>Tells the hosts of a volume its size, once it has another.</summary>
internal sealed class AnnounceSize(TargetChanges changes, Guid volumeId) : StorageStep
{
    private long? _before;

    public override string Title { get; } = $"tell the hosts of {changes.Exports.Find(volumeId)?.Spec.Subject ?? $"volume {volumeId}"} its size";

    // The volume grows in a step before this one, so a plan of both can't see it yet.
    public override StepEffect Expected { get; } = changes.Exports.Find(volumeId) is null ? StepEffect.AlreadySo : StepEffect.Change;

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (changes.Exports.Find(volumeId) is not Export export)
        {
            return new(StepOutcome.AlreadySo);
        }

        long now = TargetChanges.BlocksOf(export);
        long before = changes.Resize(export, now);
        _before ??= before == now ? null : before;
        return new(_before is null ? StepOutcome.AlreadySo : StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (_before is long before && changes.Exports.Find(volumeId) is Export export)
        {
            changes.Resize(export, before);
        }

        return ValueTask.CompletedTask;
    }
}
