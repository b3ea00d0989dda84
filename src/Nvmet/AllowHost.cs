using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>Lets a host use a subsystem.</summary>
internal sealed class AllowHost(NvmetTree tree, Nqn subsystem, HostNqn host) : NvmetStep(tree, $"let {host} use {subsystem}")
{
    private string Link => Tree.PathOf(subsystem, host);

    protected override bool IsSo(Guid? operation) => Path.Exists(Link);

    protected override bool IsOf(Guid operation) => Tree.Marks.Find(Link) == operation;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        Tree.Marks.Make(Link, operation, () => Configfs.Link(Link, Tree.PathOf(host)));
        return default;
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        if (IsOf(operation))
        {
            Configfs.Unlink(Link);
            Tree.Marks.Forget(Link);
            Cut cut = new(Tree, subsystem);   // it may have connected already
            cut.Stop();
            cut.Resume();
        }

        return default;
    }
}
