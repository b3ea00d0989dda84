using EveStorage.Linux;

namespace EveStorage.VhostScsi;

/// <summary>Makes a volume a disk of a controller: a running guest sees it come.</summary>
internal sealed class LinkLun(TargetTree tree, string wwn, int lun, Guid volumeId, string subject) : TargetStep(tree, $"make {subject} disk {lun} of {wwn}")
{
    protected override bool IsSo()
        => Tree.LunsOf(wwn).TryGetValue(lun, out Guid? there) && Configfs.Objects(Tree.LunOf(wwn, lun)).Any(n => new DirectoryInfo($"{Tree.LunOf(wwn, lun)}/{n}").LinkTarget is not null)
            && (there == volumeId ? true : throw new StorageException(StorageErrorKind.Conflict, subject, $"number {lun + 1} of {wwn} is {(there is Guid id ? $"volume {id}" : "not ours")}; take another"));

    protected override bool IsOf(Guid operation) => Tree.Marks.Find(Tree.LunOf(wwn, lun)) == operation;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        Make(Tree, wwn, lun, volumeId, operation);
        return default;
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        Remove(Tree, wwn, lun);
        return default;
    }

    internal static void Make(TargetTree tree, string wwn, int lun, Guid volumeId, Guid operation)
    {
        tree.Marks.Make(tree.LunOf(wwn, lun), operation, () => Configfs.Make(tree.LunOf(wwn, lun)));
        Configfs.Link(tree.LinkOf(wwn, lun), tree.PathOf(volumeId));
    }

    internal static void Remove(TargetTree tree, string wwn, int lun)
    {
        Configfs.Unlink(tree.LinkOf(wwn, lun));
        Configfs.Remove(tree.LunOf(wwn, lun));
        tree.Marks.Forget(tree.LunOf(wwn, lun));
    }
}

/// <summary>Takes a disk from its controller, once its commands have ended: a running guest sees it go.</summary>
internal sealed class UnlinkLun(TargetTree tree, string wwn, Backstore ended) : TargetStep(tree, $"take disk {ended.Lun} from {wwn}")
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private Guid? _removed;

    protected override bool IsSo() => !Tree.LunsOf(wwn).TryGetValue(ended.Lun!.Value, out Guid? there) || there != ended.VolumeId;

    protected override bool IsOf(Guid operation) => _removed is not null;

    protected override async ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        await BackingDevice.RequireAnswersAsync(ended.DevicePath, s_patience, cancellationToken);
        Guid madeBy = Tree.Marks.Find(Tree.LunOf(wwn, ended.Lun!.Value)) ?? Guid.Empty;
        LinkLun.Remove(Tree, wwn, ended.Lun!.Value);
        _removed = madeBy;
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        LinkLun.Make(Tree, wwn, ended.Lun!.Value, ended.VolumeId, _removed!.Value);
        return default;
    }
}
