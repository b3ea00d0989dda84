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

    /// <summary>Refuses a controller that a running guest uses. It must have a disk.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>.</exception>
    internal static void RequireUnused(TargetTree tree, string wwn)
    {
        // The kernel tells only by refusing to remove it: a guest's use comes first, then that there are disks in it
        // (fs/configfs/dir.c, configfs_rmdir). So nothing is removed in either case.
        try
        {
            Configfs.Remove(tree.GroupOf(wwn));
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Conflict)
        {
            return;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Busy)
        {
            throw InUse(wwn, e);
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
            throw InUse(wwn, e);
        }

        tree.Marks.Forget(tree.PathOf(wwn));
    }

    private static StorageException InUse(string wwn, StorageException cause)
        => new(StorageErrorKind.Busy, wwn, "is a running guest's controller: end the guest first", cause);
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
