using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>Serves a subsystem without volumes nowhere any more, so that hosts let go of it.</summary>
internal sealed class StopServing(NvmetTree tree, NvmetPort port, Nqn subsystem) : NvmetStep(tree, $"serve {subsystem} at {port.Address} no more")
{
    private Guid? _removed;

    private string Link => Tree.PathOfPort(port.Id, subsystem);

    protected override bool IsSo(Guid? operation) => !Path.Exists(Link) || Tree.NamespacesOf(subsystem).Count > 0;

    protected override bool IsOf(Guid operation) => _removed is not null;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        Guid madeBy = Tree.Marks.Find(Link) ?? Guid.Empty;
        Configfs.Unlink(Link);
        Tree.Marks.Forget(Link);
        _removed = madeBy;
        return default;
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        if (_removed is Guid madeBy)
        {
            Tree.Marks.Make(Link, madeBy, () => Configfs.Link(Link, Tree.PathOf(subsystem)));
        }

        return default;
    }
}
