using System.Globalization;

namespace EveStorage.Zfs;

/// <summary>What a file system may take, and what ZFS keeps free for it.</summary>
/// <param name="Size">The most that its files take.</param>
/// <param name="Reservation">What is kept free of that.</param>
internal readonly record struct SpaceLimits(ByteSize Size, ByteSize Reservation)
{
    /// <summary>Whether all of it is kept free.</summary>
    internal bool KeepsAll => Reservation.Bytes > 0 && Reservation >= Size;
}

/// <summary>
/// Gives a file system another size, or has ZFS keep another part of it free. A note on it says before which operation is about to do that,
/// and what its limits were.
/// </summary>
internal sealed class LimitFileSystem(ZfsPool pool, VolumeName name, FileSystemLimits limits, StepEffect expected) : StorageStep
{
    public override string Title
        => $"limit {pool.Subject(name)}{(limits.Size is ByteSize size ? $" to {size}" : "")}{(limits.Reservation is ByteSize kept ? $", with {kept} kept free for it" : "")}";

    public override StepEffect Expected => expected;

    /// <summary>Plans it. The file system need not be there: an earlier step of the same plan may make it.</summary>
    /// <exception cref="StorageException">What has that name is not ours, or is no file system.</exception>
    internal static async Task<LimitFileSystem> PlanAsync(ZfsPool pool, VolumeName name, FileSystemLimits limits, CancellationToken cancellationToken)
    {
        Dataset? there = FindIn(pool, name, await pool.Zpool.ListAsync(name, cancellationToken));
        return new(pool, name, limits, there is not null && Wanted(pool, name, there.Limits, limits) == there.Limits ? StepEffect.AlreadySo : StepEffect.Change);
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        Dataset there = FindIn(pool, name, await pool.Zpool.ListAsync(name, cancellationToken))
            ?? throw new StorageException(StorageErrorKind.NotFound, pool.Subject(name), "there is no such file system");
        return await ApplyAsync(pool, name, there, before => Wanted(pool, name, before, limits), context, cancellationToken);
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        if (pool.Zpool.In(await pool.Zpool.ListAsync(name, cancellationToken), name) is { Mark: not null, IsFileSystem: true } there)
        {
            await UndoAsync(pool, name, there, context, cancellationToken);
        }
    }

    /// <summary>Has the limits be what follows from those that this operation found. The caller holds the pool's lock.</summary>
    internal static async Task<StepOutcome> ApplyAsync(
        ZfsPool pool, VolumeName name, Dataset there, Func<SpaceLimits, SpaceLimits> wantedOf, OperationContext context, CancellationToken cancellationToken)
    {
        SpaceLimits? noted = Before(there, context);
        SpaceLimits before = noted ?? there.Limits;
        SpaceLimits wanted = wantedOf(before);
        if (there.Limits == wanted)
        {
            return noted is null || noted == wanted ? StepOutcome.AlreadySo : StepOutcome.Changed;
        }

        string note = string.Create(CultureInfo.InvariantCulture, $"{context.Request.Id}:{before.Size.Bytes}:{before.Reservation.Bytes}");
        await pool.Zpool.SetAsync(there.Name, [Property.Set(Property.VolumeLimited, note)], cancellationToken);
        await SetAsync(pool, name, there, wanted, cancellationToken);
        return StepOutcome.Changed;
    }

    /// <summary>Brings back the limits that this operation found, if it changed them. The caller holds the pool's lock.</summary>
    internal static async Task UndoAsync(ZfsPool pool, VolumeName name, Dataset there, OperationContext context, CancellationToken cancellationToken)
    {
        if (Before(there, context) is SpaceLimits before && before != there.Limits)
        {
            await SetAsync(pool, name, there, before, cancellationToken);
        }
    }

    // ZFS keeps no more free than the size: so that shrinks first, and grows last.
    private static async Task SetAsync(ZfsPool pool, VolumeName name, Dataset there, SpaceLimits wanted, CancellationToken cancellationToken)
    {
        string[] values = [Property.Set("refquota", wanted.Size.Bytes), Property.Set("refreservation", wanted.Reservation.Bytes)];
        foreach (string value in wanted.Reservation < there.Reservation ? values.Reverse() : values)
        {
            await pool.Zpool.Tools.ZfsAsync(pool.Subject(name), ["set", value, there.Name], cancellationToken);
        }
    }

    private static Dataset? FindIn(ZfsPool pool, VolumeName name, IReadOnlyList<Dataset> found)
        => pool.OursIn(found, name) is not Dataset there ? null
            : there.IsFileSystem ? there
            : throw new StorageException(StorageErrorKind.Conflict, pool.Subject(name), "is a volume, and no file system");

    private static SpaceLimits Wanted(ZfsPool pool, VolumeName name, SpaceLimits before, FileSystemLimits limits)
    {
        SpaceLimits wanted = new(limits.Size?.RoundUpTo(pool.Capabilities.Granularity) ?? before.Size, limits.Reservation?.RoundUpTo(pool.Capabilities.Granularity) ?? before.Reservation);
        return wanted.Size.Bytes > 0 && wanted.Reservation <= wanted.Size
            ? wanted
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, pool.Subject(name), $"can't have {wanted.Reservation} kept free for it of a size of {wanted.Size}");
    }

    private static SpaceLimits? Before(Dataset there, OperationContext context)
        => Property.NotedBy(there.Limited, context.Request.Id)?.Split(':') is [string size, string kept]
            && long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) && long.TryParse(kept, NumberStyles.None, CultureInfo.InvariantCulture, out long free)
            ? new(new(bytes), new(free)) : null;
}
