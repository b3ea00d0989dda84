namespace EveStorage;

/// <summary>An open pool. Reads are answered now; changes are planned, and the host runs the plan. Safe for many calls at once.</summary>
/// <remarks>
/// What a planning method is said to throw comes of it or of a step of its plan: planning refuses what it can see, and need not ask for
/// what an earlier step may make; the step looks again. A pool that is gone meanwhile is <see cref="StorageErrorKind.NotFound"/>, what it
/// is made of and fails is <see cref="StorageErrorKind.Io"/>, and what it has on disk and can't read is <see cref="StorageErrorKind.Corrupt"/>, for all of these.
/// </remarks>
public interface IStoragePool : IAsyncDisposable
{
    /// <summary>Its id, drawn when it was made and kept in it.</summary>
    Guid Id { get; }

    /// <summary>Its name.</summary>
    PoolName Name { get; }

    /// <summary>What the pool does by itself.</summary>
    BackendCapabilities Capabilities { get; }

    /// <summary>What we know about its volumes.</summary>
    IPoolRecords Records { get; }

    /// <summary>Our volume of that name, or null. Someone else's object of that name is no volume.</summary>
    ValueTask<VolumeInfo?> FindVolumeAsync(VolumeName name, CancellationToken cancellationToken);

    /// <summary>Every volume of the pool that is ours, those with a temporary name too.</summary>
    IAsyncEnumerable<VolumeInfo> ListVolumesAsync(CancellationToken cancellationToken);

    /// <summary>Its health and space.</summary>
    ValueTask<PoolStatus> GetStatusAsync(CancellationToken cancellationToken);

    /// <summary>The path a volume has once it exists. Known beforehand, so that the plans of a stack can be joined.</summary>
    string PathOf(VolumeName name);

    /// <summary>Opens a block volume's blocks for this process. The caller disposes them; they don't outlive the pool.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: there is no such volume.
    /// <see cref="StorageErrorKind.NotSupported"/>: it is a file system, and has no blocks.</exception>
    ValueTask<IBlockSource> OpenBlocksAsync(VolumeName name, BlockAccess access, CancellationToken cancellationToken);

    /// <summary>
    /// Plans a volume. The host asks only for what the pool has. Like every change but a snapshot it can be planned once more
    /// after it was done, since after a crash nobody knows how far it came: that plan is run, or its steps reverted.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: it asks for a form or a trait that the pool
    /// lacks. <see cref="StorageErrorKind.Conflict"/>: something else has that name. <see cref="StorageErrorKind.OutOfSpace"/>: the pool has no room
    /// for what it takes at once.</exception>
    ValueTask<Plan> PlanCreateAsync(VolumeSpec spec, CancellationToken cancellationToken);

    /// <summary>
    /// Plans giving a volume another name, in one act: after a crash it has the one or the other. It keeps its id and its
    /// record. Planning does not ask for <paramref name="name"/> to exist: an earlier step of the same plan may make it. The
    /// step may refuse a volume that is open, as <see cref="StorageErrorKind.Busy"/>. A rename that is done can be planned again.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: something has the new name.
    /// <see cref="StorageErrorKind.NotFound"/>: there is no such volume when the step runs.</exception>
    ValueTask<Plan> PlanRenameAsync(VolumeName name, VolumeName newName, CancellationToken cancellationToken);

    /// <summary>Plans removing a volume, which destroys its data. What is not there is already removed.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: what has that name is not ours.
    /// <see cref="StorageErrorKind.Busy"/>: it has snapshots, or is open.</exception>
    ValueTask<Plan> PlanDeleteAsync(VolumeName name, CancellationToken cancellationToken);
}

/// <summary>A pool that freezes volumes as snapshots, and makes volumes of them. It claims <see cref="VolumeTraits.Snapshots"/>.</summary>
public interface ISnapshotPool : IStoragePool
{
    /// <summary>The snapshots of a volume, oldest first.</summary>
    IAsyncEnumerable<SnapshotInfo> ListSnapshotsAsync(VolumeName volume, CancellationToken cancellationToken);

    /// <summary>
    /// Plans freezing volumes, each as they all are at one moment. Taken ones are not planned again after a crash: the host
    /// knows them by their ids, and deletes them.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: a name is taken. <see cref="StorageErrorKind.NotSupported"/>:
    /// more than one, and the pool can't at one moment.</exception>
    ValueTask<Plan> PlanSnapshotAsync(IReadOnlyList<SnapshotName> snapshots, CancellationToken cancellationToken);

    /// <summary>
    /// Plans a writable volume, with an id of its own, that starts as <paramref name="snapshot"/>, with the layers on its record that the
    /// volume has. It goes on when the snapshot is deleted, or that is refused as long as the clone needs it.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: there is no such snapshot.
    /// <see cref="StorageErrorKind.Conflict"/>: something has the clone's name. <see cref="StorageErrorKind.OutOfSpace"/>: the pool has no room
    /// for what a clone takes.</exception>
    ValueTask<Plan> PlanCloneAsync(SnapshotName snapshot, VolumeName clone, CancellationToken cancellationToken);

    /// <summary>
    /// Plans making the volume what <paramref name="snapshot"/> froze, which destroys what was written since, and says so. It keeps its id and its
    /// record, and the snapshot stays. A pool that keeps the newer snapshots keeps them; one that can't says in the step's effect which are lost.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: there is no such snapshot.
    /// <see cref="StorageErrorKind.Busy"/>: the volume is open, or a clone needs what would be lost. <see cref="StorageErrorKind.Conflict"/>: a snapshot that
    /// is not ours, or that was taken since the plan was made, would be lost. <see cref="StorageErrorKind.OutOfSpace"/>: the pool has no room for what the
    /// volume has to have kept free.</exception>
    ValueTask<Plan> PlanRollbackAsync(SnapshotName snapshot, CancellationToken cancellationToken);

    /// <summary>Plans removing a snapshot, which destroys it. What is not there is already removed.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: what has that name is not ours.
    /// <see cref="StorageErrorKind.Busy"/>: a clone needs it, in a pool whose clones do.</exception>
    ValueTask<Plan> PlanDeleteSnapshotAsync(SnapshotName snapshot, CancellationToken cancellationToken);
}

/// <summary>A pool whose volumes can grow. It claims <see cref="VolumeTraits.Resizable"/>.</summary>
public interface IResizablePool : IStoragePool
{
    /// <summary>Plans growing a volume, which keeps its id. What it has grown by reads as zero. One that is as large is already so.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: it would shrink.
    /// <see cref="StorageErrorKind.NotFound"/>: there is no such volume. <see cref="StorageErrorKind.OutOfSpace"/>: the pool has no room for it.</exception>
    ValueTask<Plan> PlanGrowAsync(VolumeName name, ByteSize size, CancellationToken cancellationToken);
}

/// <summary>A pool that makes a volume of an image in its own format.</summary>
public interface IImageReceiver : IStoragePool
{
    /// <summary>The kinds it receives: <c>zfs-stream</c>.</summary>
    IReadOnlySet<string> ReceivedFormats { get; }

    /// <summary>
    /// Plans making <paramref name="spec"/> of <paramref name="image"/>, which is read once and in order where it can't seek. The
    /// volume gets the size that the image says, whatever <paramref name="spec"/> has. A plan that a crash cut short can be made again
    /// for the same operation, and goes on with what was received where the pool and the image allow that.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: the pool can't make a volume of it.
    /// <see cref="StorageErrorKind.NotFound"/>: it goes on from what the pool does not have.</exception>
    ValueTask<Plan> PlanReceiveAsync(VolumeSpec spec, string format, IImageSource image, CancellationToken cancellationToken);
}

/// <summary>A pool whose drives can be changed while it serves. Devices are named as the profile names them.</summary>
/// <remarks>
/// A plan ends when the drives are as asked, which may take days of copying: its steps report their progress and stop when they are
/// cancelled. What has gone too far to be undone then is <see cref="StorageErrorKind.NeedsAttention"/>, with what to do. After a crash the
/// same plan goes on, or its steps are reverted.
/// </remarks>
public interface IDrivePool : IStoragePool
{
    /// <summary>Plans taking <paramref name="device"/> into the pool, which destroys what is on it. One that the pool has is already so.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: there is no such device. <see cref="StorageErrorKind.Conflict"/>:
    /// it has a signature, or is in use. <see cref="StorageErrorKind.NotSupported"/>: the pool takes no single drive.</exception>
    ValueTask<Plan> PlanAddDriveAsync(string device, CancellationToken cancellationToken);

    /// <summary>
    /// Plans putting <paramref name="replacement"/> in place of <paramref name="drive"/>, which may have failed or be missing. The plan ends when
    /// the new one holds what the old one held, and the old one is blank where it is there. One that is in that place is already so.
    /// </summary>
    /// <param name="drive">The drive by its name in <see cref="DriveStatus"/>, or by a path.</param>
    /// <param name="replacement">The new device. What is on it is destroyed.</param>
    /// <param name="cancellationToken">Stops planning.</param>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: the pool has no such drive, or the machine no such device.
    /// <see cref="StorageErrorKind.Conflict"/>: the new one has a signature, or is in use. <see cref="StorageErrorKind.OutOfSpace"/>: it can't hold what
    /// the old one holds. <see cref="StorageErrorKind.NotSupported"/>: something is missing that moves data.
    /// <see cref="StorageErrorKind.NeedsAttention"/>: the old one is missing, and there is no copy of what it held.</exception>
    ValueTask<Plan> PlanReplaceDriveAsync(string drive, string replacement, CancellationToken cancellationToken);

    /// <summary>Plans moving everything off <paramref name="drive"/>, letting it go and leaving it blank. The plan ends when that is done.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: the pool has no such drive.
    /// <see cref="StorageErrorKind.OutOfSpace"/>: the others can't hold it, or there are none. <see cref="StorageErrorKind.NotSupported"/>: each drive holds a
    /// part of all, so that one can only be replaced. <see cref="StorageErrorKind.NeedsAttention"/>: it is missing, and there is no copy of what it held.</exception>
    ValueTask<Plan> PlanRemoveDriveAsync(string drive, CancellationToken cancellationToken);
}

/// <summary>A pool that can check what it holds against its redundancy.</summary>
public interface IScrubbablePool : IStoragePool
{
    /// <summary>
    /// Plans starting a check; nothing where one runs. The plan ends when it is started, not when it is done:
    /// it goes on by itself, without the host too, and no step waits for it. <see cref="PoolStatus.Scrub"/> tells how far it is and what it found.
    /// Cancelling the operation, and reverting the step, let it run: it changes nothing but what it repairs. What stops one is
    /// <see cref="IPausableScrubPool"/>'s.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: redundancy is being rebuilt, and a check has to wait for that.
    /// <see cref="StorageErrorKind.NotSupported"/>: this pool holds nothing twice and has no checksums, so that there is nothing to compare.</exception>
    ValueTask<Plan> PlanScrubAsync(CancellationToken cancellationToken);
}

/// <summary>A pool that can do without a drive for a time, and take it back as it is.</summary>
public interface IDriveRestPool : IDrivePool
{
    /// <summary>Plans using <paramref name="drive"/> no more until it is told to. The pool is degraded meanwhile.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: the others don't hold all that it holds.
    /// <see cref="StorageErrorKind.NotFound"/>: the pool has no such drive.</exception>
    ValueTask<Plan> PlanOfflineDriveAsync(string drive, CancellationToken cancellationToken);

    /// <summary>
    /// Plans using <paramref name="drive"/> again; one that is in use is already so. What was written meanwhile is brought to it, which goes on by itself
    /// once the plan has ended.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: the pool has no such drive. <see cref="StorageErrorKind.Io"/>: it does not answer.</exception>
    ValueTask<Plan> PlanOnlineDriveAsync(string drive, CancellationToken cancellationToken);
}

/// <summary>A pool whose check can be interrupted. Starting it again goes on where it was.</summary>
public interface IPausableScrubPool : IScrubbablePool
{
    /// <summary>Plans interrupting the check that runs; nothing where none does.</summary>
    ValueTask<Plan> PlanPauseScrubAsync(CancellationToken cancellationToken);
}

/// <summary>A pool that can tell its drives which of their space is not used.</summary>
public interface ITrimmablePool : IStoragePool
{
    /// <summary>
    /// Plans starting that, or going on with it; nothing where it runs. The plan ends when it is started: it goes on by itself, and is neither
    /// cancelled nor reverted with the operation. <see cref="PoolStatus.Trim"/> tells how far it is.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: none of its drives can be told.</exception>
    ValueTask<Plan> PlanTrimAsync(CancellationToken cancellationToken);

    /// <summary>Plans interrupting it; nothing where it does not run.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: none of its drives can be told.</exception>
    ValueTask<Plan> PlanPauseTrimAsync(CancellationToken cancellationToken);
}

/// <summary>A pool that encrypts by itself, and whose key can be changed while it serves.</summary>
public interface IRekeyablePool : IStoragePool
{
    /// <summary>The name of the key that opens it; null where it is not encrypted.</summary>
    KeyName? Key { get; }

    /// <summary>Plans having <paramref name="newKey"/> open it, and the one before no more. After a crash one of the two does. It serves meanwhile.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: it is not encrypted.
    /// <see cref="StorageErrorKind.NotFound"/>: there is no such key.</exception>
    ValueTask<Plan> PlanRekeyAsync(KeyName newKey, CancellationToken cancellationToken);
}
