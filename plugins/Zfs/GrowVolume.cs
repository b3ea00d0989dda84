using System.Globalization;

namespace EveStorage.Zfs;

/// <summary>Grows a volume or a file system, which may be open; what is new reads as zeros. Where room is kept free for it, ZFS keeps that for what is new, too.</summary>
internal sealed class GrowVolume(ZfsPool pool, VolumeName name, ByteSize size, StepEffect expected) : StorageStep
{
    public override string Title => $"grow {pool.Subject(name)} to {size}";

    public override StepEffect Expected => expected;

    /// <summary>Plans it. The volume need not be there: an earlier step of the same plan may make it.</summary>
    /// <exception cref="StorageException">It would shrink.</exception>
    internal static async Task<GrowVolume> PlanAsync(ZfsPool pool, VolumeName name, ByteSize size, CancellationToken cancellationToken)
        => new(pool, name, size, pool.OursIn(await pool.Zpool.ListAsync(name, cancellationToken), name) is Dataset volume && !Lacks(pool, volume, name, size)
            ? StepEffect.AlreadySo
            : StepEffect.Change);

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        Dataset volume = pool.OursIn(await pool.Zpool.ListAsync(name, cancellationToken), name)
            ?? throw new StorageException(StorageErrorKind.NotFound, pool.Subject(name), "there is no such volume");
        bool lacks = Lacks(pool, volume, name, size);
        if (volume.IsFileSystem)
        {
            return await LimitFileSystem.ApplyAsync(pool, name, volume, before => before.KeepsAll ? new(size, size) : before with { Size = size }, context, cancellationToken);
        }

        if (!lacks)
        {
            return Before(volume, context) < size ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        // The size is no property of the kind that a transaction sets many of: first who grows it, and from what.
        await pool.Zpool.SetAsync(volume.Name, [Property.Set(Property.VolumeGrown, $"{context.Request.Id}:{(Before(volume, context) ?? volume.Size).Bytes}")], cancellationToken);
        await pool.Zpool.Tools.ZfsAsync(pool.Subject(name), ["set", $"volsize={size.Bytes}", volume.Name], cancellationToken);
        await pool.RequireReadyAsync(name, VolumeForm.Block, size, cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        Dataset? volume = pool.Zpool.In(await pool.Zpool.ListAsync(name, cancellationToken), name);
        if (volume is { Mark: not null, IsFileSystem: true })
        {
            await LimitFileSystem.UndoAsync(pool, name, volume, context, cancellationToken);
        }
        else if (volume is { Mark: not null } && Before(volume, context) is ByteSize before && volume.Size > before)
        {
            await pool.Zpool.Tools.ZfsAsync(pool.Subject(name), ["set", $"volsize={before.Bytes}", volume.Name], cancellationToken);
        }
    }

    private static ByteSize? Before(Dataset volume, OperationContext context)
        => long.TryParse(Property.NotedBy(volume.Grown, context.Request.Id), NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) ? new(bytes) : null;

    private static bool Lacks(ZfsPool pool, Dataset volume, VolumeName name, ByteSize size)
        => volume.Size <= size
            ? volume.Size < size
            : throw new StorageException(StorageErrorKind.NotSupported, pool.Subject(name), $"has {volume.Size} and can't shrink to {size}");
}
