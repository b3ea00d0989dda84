namespace EveStorage.Nvmet;

/// <summary>A step on the tree. What it makes is marked with its operation, so that undoing takes away that and nothing else.</summary>
internal abstract class NvmetStep(NvmetTree tree, string title) : StorageStep
{
    private StepEffect _expected = StepEffect.Change;

    public override string Title => $"nvmet: {title}";

    public override StepEffect Expected => _expected;

    protected NvmetTree Tree => tree;

    /// <summary>Looks, as planning does.</summary>
    /// <exception cref="StorageException">What is there is someone else's.</exception>
    internal NvmetStep Look()
    {
        _expected = IsSo(operation: null) ? StepEffect.AlreadySo : StepEffect.Change;
        return this;
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Guid operation = context.Request.Id;
        if (IsSo(operation))
        {
            return IsOf(operation) ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        await MakeAsync(operation, cancellationToken);
        return StepOutcome.Changed;
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => UndoAsync(context.Request.Id, cancellationToken);

    /// <summary>Whether nothing is to be done; for <paramref name="operation"/>, also whether it left nothing half done.</summary>
    /// <exception cref="StorageException">What is there is someone else's.</exception>
    protected abstract bool IsSo(Guid? operation);

    /// <summary>Whether it is so because <paramref name="operation"/> made it.</summary>
    protected abstract bool IsOf(Guid operation);

    protected abstract ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken);

    protected abstract ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken);
}
