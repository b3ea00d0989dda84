namespace EveStorage.VhostScsi;

/// <summary>A step on LIO's tree. What it makes is marked with its operation, so that undoing takes away that and nothing else.</summary>
internal abstract class TargetStep(TargetTree tree, string title) : StorageStep
{
    private StepEffect _expected = StepEffect.Change;

    public override string Title => $"lio: {title}";

    public override StepEffect Expected => _expected;

    protected TargetTree Tree => tree;

    /// <summary>Looks, as planning does.</summary>
    /// <exception cref="StorageException">What is there is someone else's.</exception>
    internal TargetStep Look()
    {
        _expected = IsSo() ? StepEffect.AlreadySo : StepEffect.Change;
        return this;
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (IsSo())
        {
            return IsOf(context.Request.Id) ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        await MakeAsync(context.Request.Id, cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (IsOf(context.Request.Id))
        {
            await UndoAsync(context.Request.Id, cancellationToken);
        }
    }

    protected abstract bool IsSo();

    protected abstract bool IsOf(Guid operation);

    protected abstract ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken);

    protected abstract ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken);
}
