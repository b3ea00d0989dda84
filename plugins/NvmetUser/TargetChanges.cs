using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>Changes what the target serves, one change at a time. The steps call it.</summary>
internal sealed class TargetChanges(Target target) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1);

    /// <summary>What is served.</summary>
    internal ExportTable Exports => target.Exports;

    /// <summary>Serves a volume as asked. One that is served as something else becomes what is asked for, and its hosts go on.</summary>
    internal async ValueTask SetAsync(ExportSpec spec, VolumeAccess access, Guid operation, Export? before, CancellationToken cancellationToken)
    {
        ServedVolume? replaced = null;
        await _one.WaitAsync(cancellationToken);
        try
        {
            Exports.RequireFree(spec);
            target.Listen();
            Export? now = Exports.Find(spec.VolumeId);
            HostSecrets secrets = await HostSecrets.LoadAsync(spec, target.Keys, cancellationToken);
            bool reopen = now is null || now.Spec.ReadOnly != spec.ReadOnly;
            ServedVolume volume = reopen ? await OpenAsync(spec, access, cancellationToken) : now!.Volume;
            if (now?.Volume.SyncFailed == true)
            {
                volume.FailSync();   // another descriptor does not bring back what is lost
            }

            Export export = new(spec, access, volume, secrets, operation, before) { Limit = RateLimit.Of(spec.Limits, target.Time) };
            Exports.Set(export);
            target.Announce(now, export);
            if (now is not null)
            {
                target.CutRekeyed(now, export);
            }

            now?.Secrets.Dispose();   // an exchange that still uses them ends with its connection
            replaced = reopen ? now?.Volume : null;
        }
        finally
        {
            _one.Release();
        }

        await CloseAsync(replaced, cancellationToken);
    }

    /// <summary>Serves a volume no more: its hosts are told, what they are doing ends, and it is closed.</summary>
    internal async ValueTask RemoveAsync(Export export, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            Exports.Remove(export);
            target.Announce(export);
            export.Secrets.Dispose();
        }
        finally
        {
            _one.Release();
        }

        await CloseAsync(export.Volume, cancellationToken);
    }

    /// <summary>Tells hosts the size in blocks, and returns the one they knew.</summary>
    internal long Resize(Export export, long blocks)
    {
        long before = export.Volume.Resize(blocks);
        if (before != blocks)
        {
            target.Announce(export);
        }

        return before;
    }

    /// <summary>The size of a volume's blocks now.</summary>
    internal static long BlocksOf(Export export) => export.Volume.Source.Size.Bytes / NamespaceIdentity.BlockSize;

    public void Dispose() => _one.Dispose();

    // Beside other changes: a device that does not answer holds up its own volume, and no other.
    private static Task CloseAsync(ServedVolume? volume, CancellationToken cancellationToken)
        => volume?.CloseAsync(cancellationToken) ?? Task.CompletedTask;

    private static async ValueTask<ServedVolume> OpenAsync(ExportSpec spec, VolumeAccess access, CancellationToken cancellationToken)
    {
        BlockAccess how = spec.ReadOnly ? BlockAccess.Read : BlockAccess.ReadWrite;
        return new(await access.OpenBlocksAsync!(how, cancellationToken), spec.ReadOnly);
    }
}
