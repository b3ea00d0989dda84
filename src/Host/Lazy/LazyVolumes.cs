using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Images;
using EveStorage.Host.Operations;
using EveStorage.Host.Profiles;

namespace EveStorage.Host.Lazy;

/// <summary>The volumes that lie over their images, each open once in this process however many use it.</summary>
internal sealed class LazyVolumes(StorageParts parts, PlanRunner plans, ImageConversion images, Profile profile, IEventSink events, TimeProvider time) : IAsyncDisposable
{
    private readonly Dictionary<Guid, AttachedVolume> _attached = [];
    private readonly SemaphoreSlim _one = new(1, 1);
    private bool _stopping;

    /// <summary>Runs an operation of the host's own to its end; null where this process serves nobody.</summary>
    internal Func<ChangeRequest, Task>? RunAsync { get; set; }

    /// <summary>Whether this process copies images.</summary>
    internal bool Copies => RunAsync is not null && !_stopping;

    /// <summary>How a transport reaches a volume, which may lie over its image now or have become an ordinary one by the time that it is opened.</summary>
    internal VolumeAccess AccessTo(IStoragePool pool, VolumeName name, VolumeRecord record, LayerStack stack)
        => !ImageLayer.IsIn(record)
            ? ExportNames.AccessTo(pool, name, stack)
            : new()
            {
                Path = null,
                OpenBlocksAsync = async (access, cancellationToken) => ImageLayer.IsIn(await pool.Records.FindAsync(name, cancellationToken))
                    ? await OpenAsync(pool, name, access, cancellationToken)
                    : await ExportNames.AccessTo(pool, name, stack).OpenBlocksAsync!(access, cancellationToken),
            };

    /// <summary>Takes a volume up that lies over its image: from then on that is copied. Nothing for any other volume.</summary>
    /// <exception cref="StorageException">It can't be opened.</exception>
    internal async Task TakeUpAsync(IStoragePool pool, VolumeName name, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            if (Copies && await pool.Records.FindAsync(name, cancellationToken) is VolumeRecord record && ImageLayer.IsIn(record))
            {
                await AttachAsync(pool, name, record, cancellationToken);
            }
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Lets go of a volume that is to be deleted.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: somebody has it open.</exception>
    internal async Task LetGoAsync(Guid id)
    {
        await _one.WaitAsync();
        try
        {
            if (_attached.TryGetValue(id, out AttachedVolume? attached))
            {
                if (attached.Users > 0)
                {
                    throw new StorageException(StorageErrorKind.Busy, attached.Subject, "is in use: end its exports first");
                }

                await CloseAsync(id, attached);
            }
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Forgets a volume that has become an ordinary one. Its last user closes it, who may be gone already.</summary>
    internal async Task ForgetAsync(Guid id)
    {
        AttachedVolume? attached;
        bool isUsed;
        lock (_attached)
        {
            isUsed = _attached.Remove(id, out attached) && attached.Users > 0;
        }

        if (attached is not null && !isUsed)
        {
            await attached.DisposeAsync();
        }
    }

    /// <summary>How far a volume's image is copied; null for a volume that lies over none.</summary>
    internal async Task<LazyReport?> ReportAsync(IStoragePool pool, VolumeRecord? record, CancellationToken cancellationToken)
    {
        if (record is null || !ImageLayer.IsIn(record))
        {
            return null;
        }

        lock (_attached)
        {
            if (_attached.TryGetValue(record.Id, out AttachedVolume? attached))
            {
                return attached.Report;
            }
        }

        try
        {
            await using MapStore store = await OpenMapAsync(pool, record, BlockAccess.Read, cancellationToken);
            (ImageNote note, MapState state) = await store.ReadAsync(cancellationToken);
            return AttachedVolume.ReportOf(
                note, state.Copied, state.IsRefused ? LazyReport.Refused : LazyReport.Stopped, state.IsRefused ? null : "it is copied while the daemon runs, and none does");
        }
        catch (StorageException e)
        {
            return new("?", "?", default, default, LazyReport.Stopped, e.Message);
        }
    }

    /// <summary>Whether a volume is open over its image.</summary>
    internal bool Has(Guid id)
    {
        lock (_attached)
        {
            return _attached.ContainsKey(id);
        }
    }

    /// <summary>Refuses to take a volume for an ordinary one before it is.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: not all of it is copied.</exception>
    internal async Task RequireCopiedAsync(IStoragePool pool, VolumeName name, VolumeRecord record, CancellationToken cancellationToken)
    {
        await using MapStore store = await OpenMapAsync(pool, record, BlockAccess.Read, cancellationToken);
        (ImageNote note, MapState state) = await store.ReadAsync(cancellationToken);
        bool isOpen = All().FirstOrDefault(known => known.Key == record.Id).Value is { IsWhole: false };
        if (state.Copied < note.Size || state.IsRefused || isOpen)
        {
            throw new StorageException(StorageErrorKind.Busy, $"{pool.Name}/{name}", $"is not copied from its image yet, {state.Copied} of {note.Size} are: it becomes an ordinary volume by itself");
        }
    }

    /// <summary>Stops copying: this process is about to end.</summary>
    internal async Task StopAsync()
    {
        _stopping = true;
        await _one.WaitAsync();
        try
        {
            await Task.WhenAll(All().Select(attached => attached.Value.StopAsync()));
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Closes what is open. Whoever used it is gone by now.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        foreach ((Guid id, AttachedVolume attached) in All())
        {
            await CloseAsync(id, attached);
        }
    }

    private KeyValuePair<Guid, AttachedVolume>[] All()
    {
        lock (_attached)
        {
            return [.. _attached];
        }
    }

    private async ValueTask<IBlockSource> OpenAsync(IStoragePool pool, VolumeName name, BlockAccess access, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            VolumeRecord record = await pool.Records.FindAsync(name, cancellationToken)
                ?? throw new StorageException(StorageErrorKind.NotFound, $"{pool.Name}/{name}", "is no volume here");
            if (!Copies)
            {
                throw new StorageException(StorageErrorKind.Unavailable, $"{pool.Name}/{name}", "lies over its image, which only the daemon reads: start `evestorage serve`");
            }

            if (ImageLayer.IsIn(record) || Has(record.Id))
            {
                AttachedVolume attached = await AttachAsync(pool, name, record, cancellationToken);
                lock (_attached)
                {
                    if (_attached.ContainsKey(record.Id))
                    {
                        attached.Users++;
                        return new LazySource(attached.Volume, attached.Subject, access, () => LeaveAsync(record.Id, attached));
                    }
                }
            }

            // It has become an ordinary one just now.
            return await ExportNames.AccessTo(pool, name, parts.StackOf(pool, name, record.Id, record)).OpenBlocksAsync!(access, cancellationToken);
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task<AttachedVolume> AttachAsync(IStoragePool pool, VolumeName name, VolumeRecord record, CancellationToken cancellationToken)
    {
        if (_attached.TryGetValue(record.Id, out AttachedVolume? there))
        {
            return there;
        }

        MapStore store = await OpenMapAsync(pool, record, BlockAccess.ReadWrite, cancellationToken);
        IBlockSource? blocks = null;
        try
        {
            LayerStack stack = parts.StackOf(pool, name, record.Id, record);
            await plans.RunAsync(PlanRun.OfOpening(await stack.PlanOpenAsync(cancellationToken), pool.Name), cancellationToken);
            blocks = await ExportNames.AccessTo(pool, name, stack).OpenBlocksAsync!(BlockAccess.ReadWrite, cancellationToken);
            LazyVolume volume = await LazyVolume.OpenAsync(blocks, store, note => new(note, images, time), cancellationToken);
            AttachedVolume attached = new(pool.Name, name, volume, profile.Images.LazyRate, events, time);
            lock (_attached)
            {
                _attached.Add(record.Id, attached);
            }

            attached.Start(() => FinishAsync(pool, name, record.Id));
            return attached;
        }
        catch
        {
            await (blocks?.DisposeAsync() ?? ValueTask.CompletedTask);
            await store.DisposeAsync();
            throw;
        }
    }

    private async Task<MapStore> OpenMapAsync(IStoragePool pool, VolumeRecord record, BlockAccess access, CancellationToken cancellationToken)
    {
        VolumeName name = ImageLayer.MapOf(record);
        VolumeRecord map = await pool.Records.FindAsync(name, cancellationToken)
            ?? throw new StorageException(StorageErrorKind.Corrupt, $"{pool.Name}", $"has no volume {name} any more, which is a map of what was copied of an image: restore it from a copy");
        LayerStack stack = parts.StackOf(pool, name, map.Id, map);
        await plans.RunAsync(PlanRun.OfOpening(await stack.PlanOpenAsync(cancellationToken), pool.Name), cancellationToken);
        return new(await ExportNames.AccessTo(pool, name, stack).OpenBlocksAsync!(access, cancellationToken), $"{pool.Name}/{name}");
    }

    // By an operation, which outlives a crash, and forgets it at its end. The volume is read and written as before, by those who have it open.
    private async Task FinishAsync(IStoragePool pool, VolumeName name, Guid id)
    {
        await RunAsync!(new FinishImport { Pool = pool.Name, Volume = name });
        await ForgetAsync(id);
    }

    private ValueTask LeaveAsync(Guid id, AttachedVolume attached)
    {
        bool isLast;
        lock (_attached)
        {
            isLast = --attached.Users == 0 && !_attached.ContainsKey(id);   // it was an ordinary one by then
        }

        return isLast ? attached.DisposeAsync() : ValueTask.CompletedTask;
    }

    private async Task CloseAsync(Guid id, AttachedVolume attached)
    {
        await attached.StopAsync();
        await attached.DisposeAsync();
        lock (_attached)
        {
            _attached.Remove(id);
        }
    }
}
