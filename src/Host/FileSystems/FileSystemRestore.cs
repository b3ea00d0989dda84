using EveStorage.Host.Composition;
using EveStorage.Host.Locks;
using EveStorage.Host.Operations;
using EveStorage.Linux;
using Microsoft.Extensions.Logging;

namespace EveStorage.Host.FileSystems;

/// <summary>
/// Mounts, at a start and after a pool was unlocked, what the records say, one that lies in another after it. One that can't be is
/// told as an event, and stops none but those in it. There is nothing to journal: the record is the intent, and the next start does
/// the same again.
/// </summary>
internal sealed partial class FileSystemRestore(
    RecordedMounts recorded, StorageParts parts, StorageLocks locks, PlanRunner plans, IEventSink events, ILogger<FileSystemRestore> logger)
{
    /// <summary>Goes through every pool that can be opened.</summary>
    internal async Task RunAsync(CancellationToken cancellationToken) => await RestoreAsync(await recorded.ReadAsync(cancellationToken), cancellationToken);

    /// <summary>The same, since <paramref name="pool"/> can be opened now: what waits may lie in what it has.</summary>
    internal async Task RestoreAsync(IStoragePool pool, CancellationToken cancellationToken)
    {
        if ((await RecordedMounts.ReadAsync(pool, cancellationToken)).Count > 0)
        {
            await RunAsync(cancellationToken);
        }
    }

    private async Task RestoreAsync(IReadOnlyList<RecordedMount> mounts, CancellationToken cancellationToken)
    {
        List<RecordedMount> lacking = [];
        foreach (RecordedMount mount in mounts)
        {
            try
            {
                if (mount.Mount.Wanted && lacking.Find(other => MountPoints.IsBeneath(mount.Mount.At, other.Mount.At)) is RecordedMount above)
                {
                    throw new StorageException(StorageErrorKind.Unavailable, mount.Subject, $"is to be mounted at {mount.Mount.At}, which lies in {above.Subject}, and that is not mounted");
                }

                if (!mount.Mount.Wanted)
                {
                    lacking.Add(mount);
                    continue;
                }

                await RestoreAsync(mount, cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                lacking.Add(mount);
                events.Report(new("fs.not-mounted", EventSeverity.Critical, mount.Subject, e.Message));
            }
        }
    }

    private async Task RestoreAsync(RecordedMount mount, CancellationToken cancellationToken)
    {
        IReadOnlyList<HeldLock> held = await locks.TakeNamesAsync(mount.Pool.Name, [mount.Volume], "mounts it again", cancellationToken);
        try
        {
            // Once more: another process may have changed it until we had its name.
            if (await mount.Pool.Records.FindAsync(mount.Volume, cancellationToken) is not { Mount: { Wanted: true } wanted } record)
            {
                return;
            }

            LayerStack stack = parts.StackOf(mount.Pool, mount.Volume, record.Id, record);
            if (stack.FileSystem is not { Site.Mount: not null } fileSystem)
            {
                throw new StorageException(
                    StorageErrorKind.Corrupt, mount.Subject, $"is to be mounted at '{wanted.At}', which is no place: `evestorage fs mount {mount.Subject} --at NAME`");
            }

            if (await stack.IsOpenAsync(cancellationToken))
            {
                MountedFileSystem.TryThaw(fileSystem.Path);   // of a snapshot that a crash cut short
                return;
            }

            await plans.RunAsync(PlanRun.OfOpening(await stack.PlanOpenAsync(cancellationToken), mount.Pool.Name), cancellationToken);
            LogMounted(mount.Subject, fileSystem.Path);
        }
        finally
        {
            foreach (HeldLock taken in held)
            {
                taken.Dispose();
            }
        }
    }

    [LoggerMessage(120, LogLevel.Information, "{FileSystem} is mounted at {Point}")]
    private partial void LogMounted(string fileSystem, string point);
}
