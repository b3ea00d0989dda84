using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>Has the kernel look at a volume's size, and tell its hosts if it is another.</summary>
internal sealed class AnnounceSize(NvmetTree tree, NvmetNamespace grown) : NvmetStep(tree, $"tell the hosts of {grown.Subsystem} the size of number {grown.Number}")
{
    private string Attribute => $"{Tree.PathOf(grown.Subsystem, grown.Number)}/revalidate_size";

    // What the kernel took for its size it does not tell, so the step is never known to be so.
    protected override bool IsSo(Guid? operation) => Tree.Find(grown.Subsystem, grown.Number) is not { Enabled: true } now || now.Id != grown.Id;

    protected override bool IsOf(Guid operation) => false;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        if (!File.Exists(Attribute))
        {
            throw new StorageException(
                StorageErrorKind.NotSupported, grown.DevicePath ?? Attribute, "has grown, and this kernel can't tell hosts so while they are connected (revalidate_size, Linux 5.10): they see it when it is exported anew");
        }

        Configfs.Write(Attribute, "1");
        return default;
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
        => File.Exists(Attribute) && !IsSo(operation) ? MakeAsync(operation, cancellationToken) : default;
}
