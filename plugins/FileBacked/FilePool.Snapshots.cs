using System.Runtime.CompilerServices;
using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>The pool's snapshots.</summary>
internal sealed partial class FilePool
{
    public async IAsyncEnumerable<SnapshotInfo> ListSnapshotsAsync(VolumeName volume, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (SnapshotDirectory snapshot in SnapshotDirectory.Of(VolumeOf(volume)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            SnapshotMark mark = snapshot.Require();
            yield return new() { Name = snapshot.Name, Id = mark.Id, Created = mark.Created, Size = new(BlockFile.Look(snapshot.Image).Length) };
        }

        await ValueTask.CompletedTask;
    }

    public ValueTask<Plan> PlanSnapshotAsync(IReadOnlyList<SnapshotName> snapshots, CancellationToken cancellationToken)
    {
        SnapshotDirectory[] taken = [.. snapshots.Select(SnapshotOf)];
        foreach (SnapshotDirectory snapshot in Capabilities.SnapshotsCopy ? [] : taken)
        {
            // Its device writes to the image itself, and is given no room.
            if (snapshot.Volume.Find() is { Layers.Count: > 0 } && snapshot.Volume.Layout().KeepsRoom)
            {
                throw new StorageException(
                    StorageErrorKind.NotSupported,
                    snapshot.Volume.Subject,
                    "has its space for itself, and would lose that: a snapshot shares its blocks, and the device that its layers lie on can't be given others when the disk is full; make it without --reserved or --thick, or in a pool of ZFS or LVM");
            }
        }

        return new(Plan.Of(new TakeSnapshots(this, taken)));
    }

    public ValueTask<Plan> PlanCloneAsync(SnapshotName snapshot, VolumeName clone, CancellationToken cancellationToken)
        => new(Plan.Of(new CloneVolume(this, SnapshotOf(snapshot), VolumeOf(clone))));

    public ValueTask<Plan> PlanRollbackAsync(SnapshotName snapshot, CancellationToken cancellationToken)
        => new(Plan.Of(new RollBackVolume(this, SnapshotOf(snapshot))));

    public ValueTask<Plan> PlanDeleteSnapshotAsync(SnapshotName snapshot, CancellationToken cancellationToken)
        => new(Plan.Of(new DeleteSnapshot(this, SnapshotOf(snapshot))));

    /// <summary>Gives back the room of <paramref name="keeper"/> that a copy of it, which was removed, needs no more. The pool's lock is held.</summary>
    internal void SettleRoom(VolumeOrigin? keeper)
    {
        if (keeper is null || Capabilities.SnapshotsCopy)
        {
            return;
        }

        // By its name, and all are asked only when it has another one by now.
        VolumeDirectory? volume = VolumeName.TryParse(keeper.Name, out VolumeName name) && IsIt(VolumeOf(name))
            ? VolumeOf(name)
            : Volumes().FirstOrDefault(other => VolumeRoom.IsKept(other) && IsIt(other));
        if (volume is not null)
        {
            VolumeRoom.Settle(volume);
        }

        // What can't be read keeps its room, and hinders nobody.
        bool IsIt(VolumeDirectory volume) => VolumeDirectory.OrNone(volume.Find)?.Id == keeper.Id;
    }

    private SnapshotDirectory SnapshotOf(SnapshotName name) => new(VolumeOf(name.Volume), name);
}
