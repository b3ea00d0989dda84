using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>Removes a port of ours that serves nothing any more.</summary>
internal sealed class RemovePort(NvmetTree tree, NvmetPort port) : NvmetStep(tree, $"remove port {port.Id} unless it serves something")
{
    private PortAddress? _removed;
    private (string Name, string? Value)[] _parameters = [];
    private Guid _madeBy;

    private string Directory => Tree.PathOfPort(port.Id);

    protected override bool IsSo(Guid? operation) => !port.IsOurs || Tree.Ports.FirstOrDefault(p => p.Id == port.Id) is not { Subsystems.Count: 0 };

    protected override bool IsOf(Guid operation) => _removed is not null;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        string[] names = [.. Configfs.Names(Directory).Where(n => n.StartsWith("param_", StringComparison.Ordinal))];
        _parameters = [.. names.Select(n => (n, Configfs.Find($"{Directory}/{n}")))];
        _madeBy = Tree.Marks.Find(Directory) ?? Guid.Empty;
        Tree.Remove(Directory);
        _removed = port.Address;
        return default;
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        if (_removed is PortAddress address && Tree.Marks.Make(Directory, _madeBy, () => Configfs.Make(Directory)))
        {
            foreach ((string name, string? value) in address.Attributes.Concat(_parameters.Select(p => (p.Name, p.Value!))))
            {
                if (value is not null && Configfs.Find($"{Directory}/{name}") != value)
                {
                    Configfs.Write($"{Directory}/{name}", value);
                }
            }
        }

        return default;
    }
}
