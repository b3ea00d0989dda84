using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>Lets hosts use a subsystem no more, and cuts them off.</summary>
internal sealed class DisallowHosts(NvmetTree tree, Nqn subsystem, IReadOnlyList<HostNqn> hosts) : NvmetStep(tree, $"let {string.Join(", ", hosts)} use {subsystem} no more")
{
    private readonly List<(HostNqn Host, Guid MadeBy)> _removed = [];

    protected override bool IsSo(Guid? operation) => !hosts.Any(h => Path.Exists(Tree.PathOf(subsystem, h)));

    protected override bool IsOf(Guid operation) => _removed.Count > 0;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        foreach (HostNqn host in hosts)
        {
            string link = Tree.PathOf(subsystem, host);
            if (Path.Exists(link))
            {
                _removed.Add((host, Tree.Marks.Find(link) ?? Guid.Empty));
                Configfs.Unlink(link);
                Tree.Marks.Forget(link);
            }
        }

        // The kernel asks who a host is when it connects, and never again.
        Cut cut = new(Tree, subsystem);
        cut.Stop();
        cut.Resume();
        return default;
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        foreach ((HostNqn host, Guid madeBy) in _removed)
        {
            string link = Tree.PathOf(subsystem, host);
            Tree.Marks.Make(link, madeBy, () => Configfs.Link(link, Tree.PathOf(host)));
        }

        _removed.Clear();
        return default;
    }
}
