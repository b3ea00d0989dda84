using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>Takes hosts, and their keys, out of the kernel: those that we made and that nothing allows any more.</summary>
internal sealed class ForgetHosts(NvmetTree tree, IReadOnlyList<HostNqn> hosts) : NvmetStep(tree, $"forget {string.Join(", ", hosts)}")
{
    private static readonly string[] s_open = ["dhchap_hash", "dhchap_dhgroup"];
    private static readonly string[] s_secret = ["dhchap_key", "dhchap_ctrl_key"];

    private readonly List<Forgotten> _forgotten = [];

    protected override bool IsSo(Guid? operation) => !hosts.Any(IsLeft);

    protected override bool IsOf(Guid operation) => _forgotten.Count > 0;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        foreach (HostNqn host in hosts.Where(IsLeft))
        {
            string path = Tree.PathOf(host);
            Forgotten forgotten = new(
                host,
                Tree.Marks.Find(path)!.Value,
                [.. s_open.Select(name => (name, Configfs.Find($"{path}/{name}")))],
                [.. s_secret.Select(name => (name, SecretAttribute.Take($"{path}/{name}")))]);
            try
            {
                Configfs.Remove(path);
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.Busy)
            {
                continue;   // a subsystem that is not ours allows it since
            }

            Tree.Marks.Forget(path);
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
            foreach ((string name, string? value) in host.Open.Where(o => o.Value is not null))
            {
                Configfs.Write($"{path}/{name}", value!);
            }

            foreach ((string name, KeyMaterial? secret) in host.Secrets)
            {
                if (secret is not null)
                {
                    Configfs.Write($"{path}/{name}", secret.Bytes);
                    secret.Dispose();
                }
            }
        }

        _forgotten.Clear();
        return default;
    }

    private bool IsLeft(HostNqn host) => Tree.Marks.Find(Tree.PathOf(host)) is not null && !Tree.IsAllowedAnywhere(host);

    private sealed record Forgotten(HostNqn Host, Guid MadeBy, (string Name, string? Value)[] Open, (string Name, KeyMaterial? Secret)[] Secrets);
}
