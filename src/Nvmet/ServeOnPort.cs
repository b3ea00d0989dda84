using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>Serves a subsystem on a port: from here on hosts can connect. The kernel listens when it is the first one there.</summary>
internal sealed class ServeOnPort(NvmetTree tree, int port, PortAddress address, Nqn subsystem) : NvmetStep(tree, $"serve {subsystem} at {address}")
{
    private string Link => Tree.PathOfPort(port, subsystem);

    protected override bool IsSo(Guid? operation) => Path.Exists(Link);

    protected override bool IsOf(Guid operation) => Tree.Marks.Find(Link) == operation;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        try
        {
            Tree.Marks.Make(Link, operation, () => Configfs.Link(Link, Tree.PathOf(subsystem)));
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Busy)
        {
            throw new StorageException(StorageErrorKind.Busy, $"{address}", "is taken by another program: free it, or configure another port", e);
        }
        catch (StorageException e)
        {
            throw new StorageException(e.Kind, $"{address}", $"could not be listened at for {subsystem}: is its kernel module there?", e);
        }

        return default;
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        if (IsOf(operation))
        {
            Configfs.Unlink(Link);
            Tree.Marks.Forget(Link);
        }

        return default;
    }
}
