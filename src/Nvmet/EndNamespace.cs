namespace EveStorage.Nvmet;

/// <summary>Takes a volume out of its subsystem: connected hosts see it go, once what they were doing with it has ended.</summary>
internal sealed class EndNamespace(NvmetTree tree, NamespaceTree namespaces, NvmetNamespace ended)
    : NvmetStep(tree, $"take number {ended.Number} out of {ended.Subsystem}")
{
    private (NvmetNamespace There, Guid Operation)? _removed;

    protected override bool IsSo(Guid? operation) => Tree.Find(ended.Subsystem, ended.Number)?.Id != ended.Id;

    protected override bool IsOf(Guid operation) => _removed is not null;

    protected override async ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        NvmetNamespace there = Tree.Find(ended.Subsystem, ended.Number)!;
        Guid madeBy = Tree.Marks.Find(Tree.PathOf(ended.Subsystem, ended.Number)) ?? Guid.Empty;
        await namespaces.RemoveAsync(there, cancellationToken);
        _removed = (there, madeBy);
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        if (_removed is (NvmetNamespace there, Guid madeBy) && there is { Enabled: true, DevicePath: not null })
        {
            namespaces.Make(there, madeBy);
        }

        return default;
    }
}
