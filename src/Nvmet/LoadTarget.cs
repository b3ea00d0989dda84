using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>Mounts configfs and loads the target, where that was not done yet. They stay: others may use them since.</summary>
internal sealed class LoadTarget(NvmetTree tree, string mountPoint) : NvmetStep(tree, "load the kernel's target")
{
    protected override bool IsSo(Guid? operation) => Tree.IsPresent;

    protected override bool IsOf(Guid operation) => false;

    protected override async ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        await KernelModule.LoadAsync("nvmet", cancellationToken);
        if (!Tree.IsPresent)
        {
            Command mount = Command.Find("mount") ?? throw new StorageException(StorageErrorKind.Unavailable, mountPoint, "is not mounted, and this machine has no mount");
            await mount.RunAsync(["-t", "configfs", "configfs", mountPoint], cancellationToken);
        }
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken) => default;
}
