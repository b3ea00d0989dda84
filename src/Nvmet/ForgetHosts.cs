using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>Takes hosts, and their keys, out of the kernel: those that we made and that nothing allows any more.</summary>
internal sealed class ForgetHosts(NvmetTree tree, IReadOnlyList<HostNqn> hosts) : NvmetStep(tree, $"forget {string.Join(", ", hosts)}")
{
    private readonly List<Forgotten> _forgotten = [];

    protected override bool IsSo(Guid? operation) => !hosts.Any(IsLeft);

    protected override bool IsOf(Guid operation) => _forgotten.Count > 0;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        foreach (HostNqn host in hosts.Where(IsLeft))
        {
            string path = Tree.PathOf(host);
            Forgotten forgotten = new(host, Tree.Marks.Find(path)!.Value, HostState.Take(path));
            try
            {
                Tree.Remove(path);
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.Busy)
            {
                continue;   // a subsystem that is not ours allows it since
            }

            _forgotten.Add(forgotten);
        }

        return default;
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        foreach (Forgotten host in _forgotten)
        {
            string path = Tree.PathOf(host.Host);
            Tree.Marks.Make(path, host.MadeBy, () => Configfs.Make(path));
            host.State.GiveBack(path);
        }

        _forgotten.Clear();
        return default;
    }

    private bool IsLeft(HostNqn host) => Tree.Marks.Find(Tree.PathOf(host)) is not null && !Tree.IsAllowedAnywhere(host);

    private sealed record Forgotten(HostNqn Host, Guid MadeBy, HostState State);
}
