using EveStorage.Linux;

namespace EveStorage.VhostScsi;

/// <summary>Makes a volume a disk of a controller: a running guest sees it come.</summary>
internal sealed class LinkLun(TargetTree tree, string wwn, int lun, Guid volumeId, string subject) : TargetStep(tree, $"make {subject} disk {lun} of {wwn}")
{
    /// <summary>How long commands may take to end.</summary>
    internal static TimeSpan Patience { get; } = TimeSpan.FromSeconds(10);

    protected override bool IsSo()
        => Tree.LunsOf(wwn).TryGetValue(lun, out Guid? there) && Configfs.Objects(Tree.LunOf(wwn, lun)).Any(n => new DirectoryInfo($"{Tree.LunOf(wwn, lun)}/{n}").LinkTarget is not null)
            && (there == volumeId ? true : throw new StorageException(StorageErrorKind.Conflict, subject, $"number {lun + 1} of {wwn} is {(there is Guid id ? $"volume {id}" : "not ours")}; take another"));

    protected override bool IsOf(Guid operation) => Tree.Marks.Find(Tree.LunOf(wwn, lun)) == operation;

    protected override async ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        Make(Tree, wwn, lun, volumeId, operation);
        await LoopbackDisk.WaitAsync(Tree, wwn, lun, cancellationToken);
    }

    protected override async ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
        => await RemoveAsync(Tree, wwn, lun, cancellationToken);

    internal static void Make(TargetTree tree, string wwn, int lun, Guid volumeId, Guid operation)
    {
        tree.Marks.Make(tree.LunOf(wwn, lun), operation, () => Configfs.Make(tree.LunOf(wwn, lun)));
        Configfs.Link(tree.LinkOf(wwn, lun), tree.PathOf(volumeId));
    }

    /// <summary>Removes a disk, once its commands have ended: the kernel lets the unlinking wait for them.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: they don't end.</exception>
    internal static async Task RemoveAsync(TargetTree tree, string wwn, int lun, CancellationToken cancellationToken)
    {
        WaitingCall removing = WaitingCall.Start(() =>
        {
            Configfs.Unlink(tree.LinkOf(wwn, lun));
            Configfs.Remove(tree.LunOf(wwn, lun));
            tree.Marks.Forget(tree.LunOf(wwn, lun));
        });
        if (!await removing.EndsAsync(Patience, cancellationToken))
        {
            throw new StorageException(
                StorageErrorKind.Busy, wwn, $"has commands for disk {lun} that don't end in {Patience.TotalSeconds:0} s; it goes when they do, and who looks at it waits until then: look at the device");
        }
    }
}

/// <summary>Takes a disk from its controller, once its commands have ended: a running guest sees it go.</summary>
internal sealed class UnlinkLun(TargetTree tree, string wwn, Backstore ended) : TargetStep(tree, $"take disk {ended.Lun} from {wwn}")
{
    private Guid? _removed;

    protected override bool IsSo() => !Tree.LunsOf(wwn).TryGetValue(ended.Lun!.Value, out Guid? there) || there != ended.VolumeId;

    protected override bool IsOf(Guid operation) => _removed is not null;

    protected override async ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        await BackingDevice.RequireAnswersAsync(ended.DevicePath, LinkLun.Patience, cancellationToken);
        if (Tree.LunsOf(wwn).Count == 1)
        {
            MakeController.RequireUnused(Tree, wwn);   // it goes with its last disk
        }

        Guid madeBy = Tree.Marks.Find(Tree.LunOf(wwn, ended.Lun!.Value)) ?? Guid.Empty;
        await LinkLun.RemoveAsync(Tree, wwn, ended.Lun!.Value, cancellationToken);
        _removed = madeBy;
    }

    protected override async ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        LinkLun.Make(Tree, wwn, ended.Lun!.Value, ended.VolumeId, _removed!.Value);
        await LoopbackDisk.WaitAsync(Tree, wwn, ended.Lun!.Value, cancellationToken);
    }
}
