using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>Removes a subsystem of ours that has no volume any more, with its list of hosts.</summary>
internal sealed class RemoveSubsystem(NvmetTree tree, Nqn subsystem) : NvmetStep(tree, $"remove subsystem {subsystem} unless it has volumes")
{
    private static readonly string[] s_kept = ["attr_serial", "attr_model", "attr_qid_max"];

    private Removed? _removed;

    /// <summary>The subsystem.</summary>
    internal Nqn Subsystem => subsystem;

    private string Directory => Tree.PathOf(subsystem);

    protected override bool IsSo(Guid? operation) => !Configfs.IsDirectory(Directory) || Tree.NamespacesOf(subsystem).Count > 0;

    protected override bool IsOf(Guid operation) => _removed is not null;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        _removed = new(
            Tree.Marks.Find(Directory) ?? Guid.Empty,
            [.. s_kept.Select(name => (name, Configfs.Find($"{Directory}/{name}")))],
            [.. Tree.AllowedHosts(subsystem).Select(host => (host, Tree.Marks.Find(Tree.PathOf(subsystem, host)) ?? Guid.Empty))]);
        foreach ((HostNqn host, _) in _removed.Hosts)
        {
            Configfs.Unlink(Tree.PathOf(subsystem, host));
            Tree.Marks.Forget(Tree.PathOf(subsystem, host));
        }

        Tree.Remove(Directory);
        return default;
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        if (_removed is not Removed removed)
        {
            return default;
        }

        if (Tree.Marks.Make(Directory, removed.MadeBy, () => Configfs.Make(Directory)))
        {
            foreach ((string name, string? value) in removed.Attributes)
            {
                if (value is not null && Configfs.Find($"{Directory}/{name}") != value)
                {
                    Configfs.Write($"{Directory}/{name}", value);
                }
            }
        }

        foreach ((HostNqn host, Guid madeBy) in removed.Hosts)
        {
            string link = Tree.PathOf(subsystem, host);
            Tree.Marks.Make(link, madeBy, () => Configfs.Link(link, Tree.PathOf(host)));
        }

        return default;
    }

    private sealed record Removed(Guid MadeBy, (string Name, string? Value)[] Attributes, (HostNqn Host, Guid MadeBy)[] Hosts);
}
