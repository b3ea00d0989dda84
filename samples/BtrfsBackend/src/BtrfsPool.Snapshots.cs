using System.Runtime.CompilerServices;
using EveStorage;

namespace Samples.Btrfs;

/// <summary>The pool's snapshots.</summary>
internal sealed partial class BtrfsPool
{
    public async IAsyncEnumerable<SnapshotInfo> ListSnapshotsAsync(VolumeName volume, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (SnapshotPlace snapshot in SnapshotPlace.Of(At(volume)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            SnapshotMark mark = snapshot.Require();
            yield return new() { Name = snapshot.Name, Id = mark.Id, Created = mark.Created, Size = snapshot.Size() };
        }

        await ValueTask.CompletedTask;
    }

    // Each volume is a subvolume, and the kernel freezes one at a time: what can't be kept is refused, not claimed.
    public ValueTask<Plan> PlanSnapshotAsync(IReadOnlyList<SnapshotName> snapshots, CancellationToken cancellationToken)
        => snapshots is [SnapshotName one]
            ? new(Plan.Of(new TakeSnapshot(At(one))))
            : throw new StorageException(StorageErrorKind.NotSupported, $"{Name}", "freezes one volume at a time: take their snapshots one by one");

    public ValueTask<Plan> PlanCloneAsync(SnapshotName snapshot, VolumeName clone, CancellationToken cancellationToken)
        => new(Plan.Of(new CloneVolume(At(snapshot), At(clone))));

    public ValueTask<Plan> PlanRollbackAsync(SnapshotName snapshot, CancellationToken cancellationToken) => new(Plan.Of(new RollBackVolume(this, At(snapshot))));

    public ValueTask<Plan> PlanDeleteSnapshotAsync(SnapshotName snapshot, CancellationToken cancellationToken) => new(Plan.Of(new DeleteSnapshot(At(snapshot))));

    private SnapshotPlace At(SnapshotName name) => new(At(name.Volume), name);
}
