using EveStorage.Host.Composition;
using EveStorage.Host.Operations;
using Microsoft.Extensions.Logging;

namespace EveStorage.Host.Engine;

/// <summary>Exports again, at a start, what the volumes' records say. One that can't be is told as an event, and never stops another.</summary>
internal sealed partial class ExportRestore(StorageParts parts, OpenPools pools, PlanRunner plans, IEventSink events, ILogger<ExportRestore> logger)
{
    /// <summary>Goes through every pool that has been made.</summary>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (PoolName name in parts.PoolNames)
        {
            try
            {
                if (await pools.TryOpenAsync(name, cancellationToken) is IStoragePool pool)
                {
                    await RestoreAsync(pool, cancellationToken);
                }
            }
            catch (StorageException e)
            {
                Tell($"{name}", e);
            }
        }
    }

    private async Task RestoreAsync(IStoragePool pool, CancellationToken cancellationToken)
    {
        await foreach (VolumeInfo volume in pool.ListVolumesAsync(cancellationToken))
        {
            VolumeRecord? record = await pool.Records.FindAsync(volume.Name, cancellationToken);
            foreach (ExportRecord export in record?.Exports ?? [])
            {
                try
                {
                    await RestoreAsync(pool, volume, export, cancellationToken);
                    LogRestored($"{pool.Name}/{volume.Name}", export.Transport);
                }
                catch (StorageException e)
                {
                    Tell($"{pool.Name}/{volume.Name}", e);
                }
            }
        }
    }

    private async Task RestoreAsync(IStoragePool pool, VolumeInfo volume, ExportRecord export, CancellationToken cancellationToken)
    {
        ExportSpec spec = ExportNames.SpecOf(pool, volume.Name, volume.Id, export);
        Plan plan = await parts.TransportOf(export.Transport).Transport.PlanExportAsync(spec, ExportNames.AccessTo(pool, volume.Name), cancellationToken);
        await plans.RunAsync(
            new()
            {
                Plan = plan,
                Request = new() { Id = Guid.NewGuid() },
                Tell = static (_, _) => { },
                TellReverting = static _ => { },
                Progress = new Progress<StepProgress>(),
                LockAsync = static (_, _) => Task.FromResult<Locks.HeldLock?>(null),
            },
            cancellationToken);
    }

    private void Tell(string subject, StorageException e)
        => events.Report(new("export.not-restored", EventSeverity.Critical, subject, e.Message));

    [LoggerMessage(110, LogLevel.Information, "{Volume} is exported again by {Transport}")]
    private partial void LogRestored(string volume, string transport);
}
