using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>Makes a port at an address. Nobody listens there before a subsystem is served on it.</summary>
internal sealed class MakePort(NvmetTree tree, int id, PortAddress address, IReadOnlyList<(string Name, string Value)> parameters)
    : NvmetStep(tree, $"make port {id} at {address}")
{
    private string Directory => Tree.PathOfPort(id);

    protected override bool IsSo(Guid? operation)
    {
        NvmetPort? now = Tree.Ports.FirstOrDefault(p => p.Id == id);
        if (now?.Address is PortAddress other && now.Subsystems.Count > 0 && other != address)
        {
            throw new StorageException(StorageErrorKind.Conflict, $"port {id}", $"is at {other}, not {address}: end what is exported there");
        }

        return now?.Address == address && Attributes.All(a => Configfs.Find($"{Directory}/{a.Name}") == a.Value || now.Subsystems.Count > 0);
    }

    protected override bool IsOf(Guid operation) => Tree.Marks.Find(Directory) == operation;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        Tree.Marks.Make(Directory, operation, () => Configfs.Make(Directory));
        foreach ((string name, string value) in Attributes)
        {
            string path = $"{Directory}/{name}";
            string now = Configfs.Find(path)
                ?? throw new StorageException(StorageErrorKind.NotSupported, $"port {id}", $"has no {name} in this kernel: leave the option that sets it to {value} out");
            if (now != value)
            {
                Configfs.Write(path, value);
            }
        }

        return default;
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        if (IsOf(operation) && Configfs.Objects($"{Directory}/subsystems").Count == 0)
        {
            Tree.Remove(Directory);
        }

        return default;
    }

    private IEnumerable<(string Name, string Value)> Attributes => [.. address.Attributes, .. parameters, ("ana_groups/1/ana_state", "optimized")];
}
