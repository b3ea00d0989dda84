namespace EveStorage.Host.FileSystems;

/// <summary>A step that a step before it in the plan makes necessary, though what it does is so while this is planned.</summary>
internal sealed class DoneAnew(StorageStep step) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => step.Title;

    /// <inheritdoc/>
    public override StepEffect Expected => step.Expected == StepEffect.AlreadySo ? StepEffect.Change : step.Expected;

    /// <inheritdoc/>
    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken) => step.ApplyAsync(context, cancellationToken);

    /// <inheritdoc/>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => step.RevertAsync(context, cancellationToken);
}
