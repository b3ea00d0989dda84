using EveStorage.Linux;

namespace EveStorage.VhostScsi;

/// <summary>Makes a guest's SCSI controller. It is the guest's who has its name; there is no list of hosts.</summary>
internal sealed class MakeController(TargetTree tree, string wwn) : TargetStep(tree, $"make controller {wwn}")
{
    protected override bool IsSo() => Tree.HasNexus(wwn);

    protected override bool IsOf(Guid operation) => Tree.Marks.Find(Tree.PathOf(wwn)) == operation;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        Make(Tree, wwn, operation);
        return default;
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        Remove(Tree, wwn);
        return default;
    }

    internal static void Make(TargetTree tree, string wwn, Guid operation)
    {
        tree.Marks.Make(tree.PathOf(wwn), operation, () => Configfs.Make(tree.PathOf(wwn)));
        Configfs.Make(tree.GroupOf(wwn));
        if (!tree.HasNexus(wwn))
        {
            Configfs.Write($"{tree.GroupOf(wwn)}/nexus", Wwn.NexusOf(wwn, tree.IsLoopback));
        }
    }

    internal static void Remove(TargetTree tree, string wwn)
    {
        try
        {
            if (tree.HasNexus(wwn))
            {
                Configfs.Write($"{tree.GroupOf(wwn)}/nexus", "NULL");   // the kernel's word for none
            }

            Configfs.Remove(tree.GroupOf(wwn));
            Configfs.Remove(tree.PathOf(wwn));
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Busy)
        {
            throw new StorageException(StorageErrorKind.Busy, wwn, "is a running guest's controller: end the guest first", e);
        }

        tree.Marks.Forget(tree.PathOf(wwn));
    }
}

/// <summary>Removes a controller that has no disks any more.</summary>
internal sealed class RemoveController(TargetTree tree, string wwn) : TargetStep(tree, $"remove controller {wwn} unless it has disks")
{
    private Guid? _removed;

    protected override bool IsSo() => !Configfs.IsDirectory(Tree.PathOf(wwn)) || Tree.LunsOf(wwn).Count > 0;

    protected override bool IsOf(Guid operation) => _removed is not null;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        Guid madeBy = Tree.Marks.Find(Tree.PathOf(wwn)) ?? Guid.Empty;
        MakeController.Remove(Tree, wwn);
        _removed = madeBy;
        return default;
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        MakeController.Make(Tree, wwn, _removed!.Value);
        return default;
    }
}
