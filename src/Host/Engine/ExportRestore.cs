using System.Collections.Concurrent;
using EveStorage.Host.Composition;
using EveStorage.Host.Lazy;
using EveStorage.Host.Locks;
using EveStorage.Host.Operations;
using Microsoft.Extensions.Logging;

namespace EveStorage.Host.Engine;

/// <summary>
/// Exports again, at a start, what the volumes' records say, and goes on copying the images that volumes lie over. One that can't be is told as an event, and never stops another.
/// There is nothing to journal: the record is the intent, and the next start does the same again.
/// </summary>
internal sealed partial class ExportRestore(
    StorageParts parts, OpenPools pools, LazyVolumes lazy, StorageLocks locks, PlanRunner plans, IEventSink events, ILogger<ExportRestore> logger)
{
    // As they were opened: one that was closed meanwhile, or could not be opened before, is another.
    private readonly ConcurrentDictionary<PoolName, IStoragePool> _takenUp = new();

    /// <summary>Goes through every pool that has been made.</summary>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (PoolName name in parts.PoolNames)
        {
            await TellAsync($"{name}", async () =>
            {
                if (await pools.TryOpenAsync(name, cancellationToken) is IStoragePool pool && IsNew(pool))
                {
                    await RestoreAsync(pool, cancellationToken);
                }
            });
        }
    }

    /// <summary>Whether a pool was opened since it was last asked for: nothing of it is exported yet.</summary>
    internal bool IsNew(IStoragePool pool)
    {
        bool isNew = !_takenUp.TryGetValue(pool.Name, out IStoragePool? before) || !ReferenceEquals(before, pool);
        _takenUp[pool.Name] = pool;
        return isNew;
    }

    /// <summary>Goes through one pool.</summary>
    internal async Task RestoreAsync(IStoragePool pool, CancellationToken cancellationToken)
    {
        List<VolumeName> names = await pool.ListVolumesAsync(cancellationToken).Select(volume => volume.Name).ToListAsync(cancellationToken);
        foreach (VolumeName name in names.Where(name => !name.IsTemporary))
        {
            await TellAsync($"{pool.Name}/{name}", () => RestoreAsync(pool, name, cancellationToken));
        }
    }

    private async Task RestoreAsync(IStoragePool pool, VolumeName name, CancellationToken cancellationToken)
    {
        VolumeRecord? found = await pool.Records.FindAsync(name, cancellationToken);
        if (ImageLayer.IsIn(found))
        {
            await lazy.TakeUpAsync(pool, name, cancellationToken);
        }

        if (found is not { Exports.Count: > 0 })
        {
            return;
        }

        IReadOnlyList<HeldLock> held = await locks.TakeNamesAsync(pool.Name, [name], "exports it again", cancellationToken);
        try
        {
            using HeldLock exports = await locks.TakeExportsAsync($"{pool.Name}/{name}", "exports it again", cancellationToken);

            // Once more: another process may have changed it until we had its name.
            VolumeRecord? record = await pool.Records.FindAsync(name, cancellationToken);
            foreach (ExportRecord export in record?.Exports ?? [])
            {
                await TellAsync($"{pool.Name}/{name}", () => RestoreAsync(pool, name, record!, export, cancellationToken));
            }
        }
        finally
        {
            foreach (HeldLock taken in held)
            {
                taken.Dispose();
            }
        }
    }

    private async Task RestoreAsync(IStoragePool pool, VolumeName name, VolumeRecord record, ExportRecord export, CancellationToken cancellationToken)
    {
        ExportSpec spec = ExportNames.SpecOf(pool, name, record.Id, export);
        LayerStack stack = parts.StackOf(pool, name, record.Id, record);
        Plan plan = (await stack.PlanOpenAsync(cancellationToken))
            .Then(await parts.TransportOf(export.Transport).Transport.PlanExportAsync(spec, lazy.AccessTo(pool, name, record, stack), cancellationToken));
        await plans.RunAsync(PlanRun.OfOpening(plan, pool.Name), cancellationToken);
        LogRestored($"{pool.Name}/{name}", export.Transport);
    }

    private async Task TellAsync(string subject, Func<Task> restore)
    {
        try
        {
            await restore();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            events.Report(new("export.not-restored", EventSeverity.Critical, subject, e.Message));
        }
    }

    [LoggerMessage(110, LogLevel.Information, "{Volume} is exported again by {Transport}")]
    private partial void LogRestored(string volume, string transport);
}
