using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>Makes a subsystem that no host may use yet. Its serial number and model are set once: hosts know a disk by them.</summary>
internal sealed class MakeSubsystem(NvmetTree tree, Nqn subsystem, string serial, int? maxQueues) : NvmetStep(tree, $"make subsystem {subsystem}")
{
    private const string Model = "EveStorage";   // as our user-space target says

    private string Directory => Tree.PathOf(subsystem);

    protected override bool IsSo(Guid? operation)
        => Configfs.IsDirectory(Directory) && Attributes(operation).All(a => Configfs.Find($"{Directory}/{a.Name}") is not string now || now == a.Value);

    protected override bool IsOf(Guid operation) => Tree.Marks.Find(Directory) == operation;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        Tree.Marks.Make(Directory, operation, () => Configfs.Make(Directory));
        foreach ((string name, string value) in Attributes(operation))
        {
            if (Configfs.Find($"{Directory}/{name}") is string now && now != value)
            {
                Configfs.Write($"{Directory}/{name}", value);
            }
        }

        return default;
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        if (IsOf(operation))
        {
            Tree.Remove(Directory);
        }

        return default;
    }

    // Names of hosts are checked always; the rest can't change once a host has seen it, so only its maker sets it.
    private IEnumerable<(string Name, string Value)> Attributes(Guid? operation)
    {
        yield return ("attr_allow_any_host", "0");
        if (operation is Guid mine && (IsOf(mine) || !Configfs.IsDirectory(Directory)))
        {
            yield return ("attr_serial", serial);
            yield return ("attr_model", Model);
            if (maxQueues is int queues)
            {
                yield return ("attr_qid_max", $"{queues}");
            }
        }
    }
}
