using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Operations;
using EveStorage.Host.Profiles;

namespace EveStorage.Host.FileSystems;

/// <summary>Changes where a file system is mounted, and whether: it is closed as it was, the record says how it is to be, and it is opened so.</summary>
internal static class MountPlans
{
    /// <summary>Plans it.</summary>
    internal static async Task<Plan> PlanAsync(IStoragePool pool, VolumeName volume, VolumeRecord record, MountRecord wanted, PlanningContext context, CancellationToken cancellationToken)
    {
        LayerStack before = context.Parts.StackOf(pool, volume, record.Id, record);
        LayerStack after = context.Parts.StackOf(pool, volume, record.Id, record with { Mount = wanted });
        RequireFileSystem(before, $"{pool.Name}/{volume}");
        bool moves = record.Mount is { Wanted: true } && (!wanted.Wanted || record.Mount.At != wanted.At || record.Mount.ReadOnly != wanted.ReadOnly);
        Plan close = moves ? await before.PlanCloseAsync(cancellationToken) : Plan.Of();
        Plan open = wanted.Wanted ? await after.PlanOpenAsync(cancellationToken) : Plan.Of();
        if (wanted.Wanted)
        {
            context.Result("mountPoint", after.Path);
        }

        return close.Then(Plan.Of(new RecordMount(pool, volume, wanted with { ChangedBy = context.Operation.Id })))
            .Then(close.Steps.Count == 0 ? open : new Plan([.. open.Steps.Select(step => new DoneAnew(step))]));
    }

    /// <summary>Refuses a volume that is a disk.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>.</exception>
    internal static void RequireFileSystem(LayerStack stack, string subject)
    {
        if (stack.FileSystem is null)
        {
            throw new StorageException(StorageErrorKind.Conflict, subject, "is a disk and no file system: what is on it is its user's");
        }
    }

    /// <summary>Refuses a volume that is a file system, where a disk is needed.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>.</exception>
    internal static void RequireDisk(LayerStack stack, string subject)
    {
        if (stack.FileSystem is not null)
        {
            throw new StorageException(StorageErrorKind.Conflict, subject, "is a file system of this machine and no disk: nobody else can use it");
        }
    }

    /// <summary>Refuses a file system that can't grow now, before its volume does.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>.</exception>
    internal static void RequireWritable(LayerStack stack, string subject)
    {
        if (stack.FileSystem is not null and not { Layer: NativeFileSystem } and not { Site.Mount: { ReadOnly: false } })
        {
            throw new StorageException(StorageErrorKind.NotSupported, subject, $"grows while it is mounted to write: `evestorage fs mount {subject}` first");
        }
    }
}

/// <summary>Mounts a file system, now and at each start.</summary>
internal sealed class PlanMountFileSystem(Profile profile, RecordedMounts mounts) : ChangePlanner<MountFileSystem>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(MountFileSystem request, PlanningContext context, CancellationToken cancellationToken)
    {
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        VolumeRecord record = await RequireRecordAsync(pool, request.Volume, cancellationToken);
        MountRecord wanted = new()
        {
            At = MountPoints.Parse(request.At ?? record.Mount?.At ?? $"{request.Volume}", profile, request.Subject),
            ReadOnly = request.ReadOnly ?? record.Mount?.ReadOnly ?? false,
            ChangedBy = context.Operation.Id,
        };
        await mounts.RequireFreeAsync(wanted.At, request.Subject, context.Records, cancellationToken);
        return await MountPlans.PlanAsync(pool, request.Volume, record, wanted, context, cancellationToken);
    }
}

/// <summary>Unmounts a file system.</summary>
internal sealed class PlanUnmountFileSystem : ChangePlanner<UnmountFileSystem>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(UnmountFileSystem request, PlanningContext context, CancellationToken cancellationToken)
    {
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        VolumeRecord record = await RequireRecordAsync(pool, request.Volume, cancellationToken);
        MountPlans.RequireFileSystem(context.Parts.StackOf(pool, request.Volume, record.Id, record), request.Subject);
        return record.Mount is MountRecord mount
            ? await MountPlans.PlanAsync(pool, request.Volume, record, mount with { Wanted = false }, context, cancellationToken)
            : Plan.Of();
    }
}

/// <summary>Changes how a file system is mounted, and what is kept free for it.</summary>
internal sealed class PlanSetFileSystem(Profile profile, RecordedMounts mounts) : ChangePlanner<SetFileSystem>
{
    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(SetFileSystem request, PlanningContext context, CancellationToken cancellationToken)
    {
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        VolumeRecord record = await RequireRecordAsync(pool, request.Volume, cancellationToken);
        Plan limit = request.Reservation is ByteSize kept ? await PlanReserveAsync(pool, request, record, kept, context, cancellationToken) : Plan.Of();
        if (request.At is null && request.ReadOnly is null)
        {
            return limit;   // what is kept free is released whatever other file systems and pools do
        }

        MountRecord now = record.Mount ?? new() { At = $"{request.Volume}", Wanted = false, ChangedBy = context.Operation.Id };
        MountRecord wanted = now with
        {
            At = MountPoints.Parse(request.At ?? now.At, profile, request.Subject),
            ReadOnly = request.ReadOnly ?? now.ReadOnly,
        };
        await mounts.RequireFreeAsync(wanted.At, request.Subject, context.Records, cancellationToken);
        return limit.Then(await MountPlans.PlanAsync(pool, request.Volume, record, wanted, context, cancellationToken));
    }

    private static async Task<Plan> PlanReserveAsync(
        IStoragePool pool, SetFileSystem request, VolumeRecord record, ByteSize kept, PlanningContext context, CancellationToken cancellationToken)
        => context.Parts.StackOf(pool, request.Volume, record.Id, record).FileSystem is { Layer: NativeFileSystem } && pool is IFileSystemPool native
            ? await native.PlanLimitAsync(request.Volume, new() { Reservation = kept }, cancellationToken)
            : throw new StorageException(
                StorageErrorKind.NotSupported, request.Subject,
                "has all of its size kept free for it since it was made, or nothing: a reserve that changes is for file systems that a pool makes by itself, as one of ZFS does");
}
