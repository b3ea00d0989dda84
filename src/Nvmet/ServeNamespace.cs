using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>Adds a volume to its subsystem, where connected hosts see it come.</summary>
internal sealed class ServeNamespace(NvmetTree tree, NamespaceTree namespaces, NvmetNamespace wanted, string subject)
    : NvmetStep(tree, $"serve {subject} ({wanted.DevicePath}) as number {wanted.Number} of {wanted.Subsystem}")
{
    private string Directory => Tree.PathOf(wanted.Subsystem, wanted.Number);

    protected override bool IsSo(Guid? operation)
    {
        NvmetNamespace? now = Tree.Find(wanted.Subsystem, wanted.Number);
        if (now is not null && now.Id != wanted.Id && now.DevicePath is not null && !(operation is Guid mine && IsOf(mine)))
        {
            throw new StorageException(StorageErrorKind.Conflict, subject, $"number {wanted.Number} of {wanted.Subsystem} is volume {now.Id}; take another");
        }

        return now == wanted && Guid.TryParse(Configfs.Find($"{Directory}/device_nguid"), out Guid nguid) && nguid == wanted.Id;
    }

    protected override bool IsOf(Guid operation) => Tree.Marks.Find(Directory) == operation;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        namespaces.Make(wanted, operation);
        return default;
    }

    protected override async ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        if (IsOf(operation) && Tree.Find(wanted.Subsystem, wanted.Number) is NvmetNamespace there)
        {
            await namespaces.RemoveAsync(there, cancellationToken);
        }
    }
}
