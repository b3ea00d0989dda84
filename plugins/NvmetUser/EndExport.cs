namespace EveStorage.NvmetUser;

/// <summary>Serves a volume no more. Its connected hosts see it go.</summary>
internal sealed class EndExport(TargetChanges changes, Guid volumeId) : StorageStep
{
    private Export? _ended;

    public override string Title { get; } = $"end the export of {changes.Exports.Find(volumeId)?.Spec.Subject ?? $"volume {volumeId}"}";

    public override StepEffect Expected { get; } = changes.Exports.Find(volumeId) is null ? StepEffect.AlreadySo : StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (changes.Exports.Find(volumeId) is not Export export)
        {
            return _ended is null ? StepOutcome.AlreadySo : StepOutcome.Changed;
        }

        _ended = export;
        await changes.RemoveAsync(export, cancellationToken);
        return StepOutcome.Changed;
    }

    // Exports end with the process: after a crash there is nothing to bring back, and a start exports what the records say.
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (_ended is Export ended && changes.Exports.Find(volumeId) is null)
        {
            await changes.SetAsync(ended.Spec, ended.Access, ended.Operation, ended.Before, cancellationToken);
        }
    }
}
