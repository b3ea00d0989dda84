using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>Serves a subsystem on a port: from here on hosts can connect. The kernel listens when it is the first one there.</summary>
internal sealed class ServeOnPort(NvmetTree tree, int port, PortAddress address, Nqn subsystem) : NvmetStep(tree, $"serve {subsystem} at {address}")
{
    private const int EAddressInUse = 98;   // EADDRINUSE, as .NET passes it on

    private string Link => Tree.PathOfPort(port, subsystem);

    protected override bool IsSo(Guid? operation) => Path.Exists(Link);

    protected override bool IsOf(Guid operation) => Tree.Marks.Find(Link) == operation;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        try
        {
            Tree.Marks.Make(Link, operation, () => Configfs.Link(Link, Tree.PathOf(subsystem)));
        }
        catch (StorageException e)
        {
            bool taken = e.Message.Contains($"errno {EAddressInUse}", StringComparison.Ordinal);
            throw taken
                ? new StorageException(StorageErrorKind.Conflict, $"{address}", "is taken by another program: free it, or configure another port", e)
                : new StorageException(e.Kind, $"{address}", $"could not be listened at for {subsystem}: is its kernel module there?", e);
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
