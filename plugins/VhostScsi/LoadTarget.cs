using EveStorage.Linux;

namespace EveStorage.VhostScsi;

/// <summary>Loads LIO and the fabric. They stay: others may use them since.</summary>
internal sealed class LoadTarget(TargetTree tree, IReadOnlyList<string> modules) : TargetStep(tree, "load the kernel's SCSI target")
{
    protected override bool IsSo() => Tree.IsPresent;

    protected override bool IsOf(Guid operation) => false;

    protected override async ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        foreach (string module in modules.Where(m => !KernelModule.IsLoaded(m)))
        {
            await KernelModule.LoadAsync(module, cancellationToken);
        }

        if (!Configfs.IsDirectory(Tree.Root))
        {
            string mountPoint = Path.GetDirectoryName(Tree.Root)!;
            Command mount = Command.Find("mount") ?? throw new StorageException(StorageErrorKind.Unavailable, mountPoint, "is not mounted, and this machine has no mount");
            await mount.RunAsync(["-t", "configfs", "configfs", mountPoint], cancellationToken);
        }

        Configfs.Make(Tree.Fabric);
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken) => default;
}
