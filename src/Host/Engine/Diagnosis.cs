using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Desired;
using EveStorage.Host.FileSystems;
using EveStorage.Host.Lazy;
using EveStorage.Host.Locks;
using EveStorage.Host.Operations;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;

namespace EveStorage.Host.Engine;

/// <summary>Finds what no start repairs by itself.</summary>
internal sealed class Diagnosis(Profile profile, PluginCatalog catalog, StorageParts parts, OpenPools pools, Journal journal, Overview overview, RecordedMounts mounts, StalledPools stalled, ServingDiagnosis serving, DesiredWatch desired)
{
    /// <summary>All of it.</summary>
    internal async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellationToken)
    {
        List<Finding> findings =
            [.. catalog.Entries.Where(entry => entry.Enabled).SelectMany(entry => entry.Reasons.Select(
                reason => new Finding(entry.Id, $"plugin is not usable: {reason}", "evestorage plugin list")))];
        Problems problems = new();
        StorageParts.Check(profile, catalog, problems);
        findings.AddRange(problems.Lines.Select(line => new Finding(profile.Name, line, "evestorage profile check")));
        IReadOnlyList<OperationDocument> operations = journal.ReadAll(e => findings.Add(new(e.Subject, e.Message, null)));
        findings.AddRange(operations.Select(document => document.Operation)
            .Where(operation => OperationClaims.NeedsPerson(operation, operations.Select(document => document.Operation)))
            .Select(operation => new Finding(operation.Request.Subject, operation.Error?.Message ?? "needs attention", $"evestorage operation show {operation.Id}")));
        findings.AddRange(stalled.All.Select(pool => new Finding($"{pool.Key}", pool.Value, "systemctl restart evestorage")));
        findings.AddRange(operations.Select(document => document.Operation)
            .Where(operation => operation.State.IsUnderWay() && IsAbandoned(operation.Id))
            .Select(operation => new Finding(
                operation.Request.Subject, $"operation {operation.Id} was cut short and can't be finished while its pool can't be opened", operation.Request.Scope is PoolName pool ? $"evestorage pool status {pool}" : null)));
        findings.AddRange(operations.Select(document => document.Operation)
            .Where(operation => operation.State == OperationState.Interrupted)
            .Select(operation => new Finding(operation.Request.Subject, operation.Error?.Message ?? "was cut short", $"evestorage operation cancel {operation.Id}")));
        findings.AddRange(await LackingAsync(cancellationToken));
        foreach (PoolReport pool in await overview.PoolsAsync(cancellationToken))
        {
            findings.AddRange((pool.Created ? pool.Status?.Problems ?? [] : []).Select(problem => new Finding($"{pool.Name}", problem, null)));
            findings.AddRange(pool is { Created: true, Status: PoolStatus status } ? ServingDiagnosis.FindFull(pool.Name, status) : []);
            findings.AddRange(pool.Created || pool.Id is not null ? [] : pool.Reasons.Select(reason => new Finding($"{pool.Name}", reason, reason == Overview.NotMade ? $"evestorage pool create {pool.Name}" : null)));
        }

        findings.AddRange(await mounts.FindLackingAsync(cancellationToken));
        HashSet<Guid> known = [.. operations.Select(document => document.Operation.Id)];
        foreach (PoolName name in parts.PoolNames)
        {
            findings.AddRange(await StrayAsync(name, known, cancellationToken));
        }

        IReadOnlyList<ExportReport> exports = await overview.ExportsAsync(cancellationToken);
        findings.AddRange(serving.FindUnserved(exports));
        findings.AddRange(serving.FindOtherSettings());
        findings.AddRange(desired.FindFailing());
        findings.AddRange(exports
            .Where(export => !parts.TransportNames.Contains(export.Transport))
            .Select(export => new Finding(export.Volume, $"is to be exported by {export.Transport}, which the profile no longer declares", $"evestorage export remove {export.Volume}")));
        findings.AddRange((await overview.VolumesAsync(null, cancellationToken)).Where(volume => volume.Image?.Problem is not null || volume.Image?.State == LazyReport.Refused).Select(Waiting));
        return findings;
    }

    private static Finding Waiting(VolumeReport volume) => volume.Image!.State switch
    {
        LazyReport.Refused => new(
            $"{volume.Pool}/{volume.Name}", $"{volume.Image.Name} has another SHA-256 than was asked for: it is read and written no more; take out what it holds with `evestorage image save`, or delete it", $"evestorage volume delete {volume.Pool}/{volume.Name}"),
        LazyReport.Stopped => new($"{volume.Pool}/{volume.Name}", $"is not copied from {volume.Image.Name} yet: {volume.Image.Problem}", "evestorage serve"),
        LazyReport.Damaged => new($"{volume.Pool}/{volume.Name}", $"what is not copied of {volume.Image.Name} can't be read: {volume.Image.Problem}", $"evestorage volume show {volume.Pool}/{volume.Name}"),
        _ => new($"{volume.Pool}/{volume.Name}", $"what is not copied of {volume.Image.Name} can't be read or kept now: {volume.Image.Problem}; it is tried again", $"evestorage volume show {volume.Pool}/{volume.Name}"),
    };

    // What makes a declared part refuse its work. A pool's backend is asked with its pool.
    private async Task<IReadOnlyList<Finding>> LackingAsync(CancellationToken cancellationToken)
    {
        List<Finding> findings = [];
        foreach (string name in parts.TransportNames)
        {
            await AskAsync($"transport {name}", () => parts.TransportOf(name).Transport.ProbeAsync(cancellationToken));
        }

        foreach (PoolName pool in parts.PoolNames)
        {
            await AskAsync($"{pool}", async () => [.. (await Task.WhenAll(parts.LayersOf(pool).Select(placed => placed.Layer.ProbeAsync(cancellationToken).AsTask()))).SelectMany(reasons => reasons)]);
        }

        await AskAsync("keys", () => parts.Keys?.ProbeAsync(cancellationToken) ?? new([]));
        return findings;

        async Task AskAsync(string subject, Func<ValueTask<IReadOnlyList<string>>> probeAsync)
        {
            try
            {
                findings.AddRange((await probeAsync()).Select(reason => new Finding(subject, reason, null)));
            }
            catch (StorageException e) when (e.Kind is StorageErrorKind.Unavailable or StorageErrorKind.InvalidConfiguration)
            {
                // Its plugin, or the profile, has a finding of its own.
            }
        }
    }

    private bool IsAbandoned(Guid operation)
    {
        using HeldLock? own = journal.TryOwn(operation);
        return own is not null;
    }

    // A temporary volume belongs to an operation. Where the journal was lost with the host, nobody comes to finish it.
    private async Task<IReadOnlyList<Finding>> StrayAsync(PoolName name, HashSet<Guid> known, CancellationToken cancellationToken)
    {
        List<Finding> findings = [];
        try
        {
            if (await pools.TryOpenAsync(name, cancellationToken) is not IStoragePool pool)
            {
                return [];
            }

            HashSet<VolumeName> maps = await ImageLayer.MapsAsync(pool, cancellationToken);
            await foreach (VolumeInfo volume in pool.ListVolumesAsync(cancellationToken))
            {
                VolumeRecord? record = await pool.Records.FindAsync(volume.Name, cancellationToken);
                if (volume.Name.IsTemporary && record is not null && !known.Contains(record.Mark.Operation) && !maps.Contains(volume.Name))
                {
                    findings.Add(new($"{name}/{volume.Name}", "is left of an operation that this host knows nothing of", $"evestorage volume delete {name}/{volume.Name}"));
                }
            }
        }
        catch (StorageException)
        {
            // the pool's own finding says so
        }

        return findings;
    }
}
