using EveStorage.Linux;

namespace EveStorage.VhostScsi;

/// <summary>Makes a volume known to LIO, as EVE does: device, serial number, enable, UNMAP.</summary>
internal sealed class MakeBackstore(TargetTree tree, Guid volumeId, Nqn subsystem, string device, bool readOnly)
    : TargetStep(tree, $"make backstore {volumeId} on {device}{(readOnly ? ", read-only" : "")}")
{
    private string Directory => Tree.PathOf(volumeId);

    protected override bool IsSo()
        => Tree.Find(volumeId) is { Enabled: true } there && there.DevicePath == device && there.ReadOnly == readOnly && there.Subsystem == subsystem;

    protected override bool IsOf(Guid operation) => Tree.Marks.Find(Directory) == operation;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        Make(Tree, new(volumeId, subsystem, Lun: null, device, readOnly, Enabled: true), operation);
        return default;
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        Configfs.Remove(Directory);
        Tree.Marks.Forget(Directory);
        return default;
    }

    internal static void Make(TargetTree tree, Backstore wanted, Guid operation)
    {
        string path = tree.PathOf(wanted.VolumeId);
        Configfs.Make(tree.Adapter);   // all of LIO's users share it, and it is nobody's
        tree.Marks.Make(path, operation, () => Configfs.Make(path));
        if (Configfs.Find($"{path}/enable") != "1")
        {
            Enable(path, wanted);
        }

        Configfs.Write($"{path}/alias", $"{wanted.Subsystem}");
        TurnOn($"{path}/attrib/emulate_tpu");   // UNMAP
    }

    private static void Enable(string path, Backstore wanted)
    {
        string device = wanted.DevicePath!;
        Configfs.Write($"{path}/control", $"udev_path={device}{(wanted.ReadOnly ? ",readonly=1" : "")}");
        Configfs.Write($"{path}/udev_path", device);   // where the tree can be asked for it
        Configfs.Write($"{path}/wwn/vpd_unit_serial", wanted.VolumeId.ToString("N"));   // a guest knows the disk by it
        try
        {
            Configfs.Write($"{path}/enable", "1");
        }
        catch (StorageException e)
        {
            throw new StorageException(e.Kind, device, "could not be taken by LIO: is it a block device, and not in use otherwise?", e);
        }
    }

    // A device that discards nothing has nothing to unmap.
    private static void TurnOn(string attribute)
    {
        try
        {
            Configfs.Write(attribute, "1");
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotSupported)
        {
            // It stays off, which the guest sees.
        }
    }
}

/// <summary>Takes a volume out of LIO.</summary>
internal sealed class RemoveBackstore(TargetTree tree, Backstore ended) : TargetStep(tree, $"remove backstore {ended.VolumeId}")
{
    private Guid? _removed;

    protected override bool IsSo() => Tree.Find(ended.VolumeId) is null;

    protected override bool IsOf(Guid operation) => _removed is not null;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        string path = Tree.PathOf(ended.VolumeId);
        Guid madeBy = Tree.Marks.Find(path) ?? Guid.Empty;
        Configfs.Remove(path);
        Tree.Marks.Forget(path);
        _removed = madeBy;
        return default;
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        if (ended is { DevicePath: not null, Subsystem: not null } && _removed is Guid madeBy)
        {
            MakeBackstore.Make(Tree, ended, madeBy);
        }

        return default;
    }
}
