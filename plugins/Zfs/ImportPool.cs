using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>Takes a pool from its drives, as after a start. What the drives say decides whether it is ours to take, before ZFS writes on any.</summary>
internal static class ImportPool
{
    /// <summary>Imports it. Nothing is mounted, and no file on this machine remembers it.</summary>
    /// <exception cref="StorageException">No drive has it, it is not ours, or another machine had it last.</exception>
    internal static async Task ImportAsync(PoolName name, Zpool zpool, IReadOnlyList<string> declared, CancellationToken cancellationToken)
    {
        (string Path, VdevLabel Label)[] labels =
        [
            .. ZfsDrive.Candidates(declared).Select(path => (path, VdevLabel.Find(path))).Where(found => found.Item2?.Pool == zpool.Root).Select(found => (found.path, found.Item2!))
                .Where(found => found.Item2.State != VdevLabelState.Destroyed),
        ];
        VdevLabel label = Choose(name, zpool.Root, [.. labels.Select(found => found.Label)], HostId.Ours);
        string[] devices = [.. labels.Where(found => found.Label.Guid == label.Guid).SelectMany(found => (string[])["-d", found.Path])];
        try
        {
            await zpool.Tools.ZpoolAsync($"{name}", ["import", "-N", "-o", "cachefile=none", .. devices, $"{label.Guid}"], cancellationToken);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Io)
        {
            throw new StorageException(
                StorageErrorKind.Unavailable, $"{name}", $"can't be opened with the drives that are there, {string.Join(", ", labels.Select(found => found.Path))}: {e.Message}", e);
        }
    }

    /// <summary>The one pool of that name that may be taken.</summary>
    /// <exception cref="StorageException">There is none, there are two, it is not ours, or another machine's.</exception>
    internal static VdevLabel Choose(PoolName name, string pool, IReadOnlyList<VdevLabel> labels, ulong ourHost)
    {
        if (labels.Count == 0)
        {
            throw new StorageException(StorageErrorKind.NotFound, $"{name}", $"no drive of this machine has the ZFS pool {pool}: make it with 'evestorage pool create {name}'");
        }

        if (labels.Select(label => label.Guid).Distinct().Count() > 1)
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{name}", $"{pool} is the name of several ZFS pools on the drives of this machine: take the drives of the other one away");
        }

        VdevLabel newest = labels.MaxBy(label => label.Written)!;
        if (PoolComment.Read(newest.Comment) is null)
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{name}", $"the ZFS pool {pool} is not ours: it stays as it is; choose another Pool");
        }

        return newest.State == VdevLabelState.Exported || newest.HostId == ourHost ? newest : throw Foreign(name, newest);
    }

    private static StorageException Foreign(PoolName name, VdevLabel label)
        => new(
            StorageErrorKind.Conflict, $"{name}",
            $"was last in use by another machine, {(label.HostName.Length > 0 ? label.HostName : "without a name")} (hostid {label.HostId:x8}, and ours is {HostId.Ours:x8}): close it there; "
                + $"if that machine is gone for good, 'zpool import -f -N -o cachefile=none {label.Guid}' takes it over once");
}
