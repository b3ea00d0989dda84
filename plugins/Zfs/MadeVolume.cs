using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>
/// What the steps that make a volume have in common. ZFS makes a volume and sets its properties in two transactions, so it is made
/// under a name that is the operation's mark, and its rename is the moment in which it is there, with all that we know of it.
/// </summary>
internal static class MadeVolume
{
    /// <summary>What one of that form is called.</summary>
    internal static string Called(VolumeForm form) => form == VolumeForm.FileSystem ? "file system" : "volume";

    /// <summary>The properties of a new volume.</summary>
    internal static IReadOnlyList<string> Values(VolumeRecord record, string subject)
        => [
            Property.Set(Property.VolumeId, record.Id), Property.Set(Property.VolumeOperation, record.Mark.Operation!),
            .. RecordText.Write(VolumeDocument.Write(record, subject)),
        ];

    /// <summary>The same as words for what makes one.</summary>
    internal static IEnumerable<string> Words(VolumeRecord record, string subject) => Values(record, subject).SelectMany(value => (string[])["-o", value]);

    /// <summary>Makes a volume by <paramref name="verb"/>, whose last word is the name that it is made under, and publishes it.</summary>
    internal static async Task MakeAsync(
        ZfsPool pool, VolumeName name, VolumeRecord record, IReadOnlyList<string> verb, IReadOnlyList<string> origin, OperationContext context, CancellationToken cancellationToken)
    {
        string making = pool.Zpool.MakingOf(context.Request.Id, record.Id);
        if (await pool.Zpool.FindAsync(making, cancellationToken, "name") is not null)
        {
            await DestroyAsync(pool.Zpool, making, pool.Options, context.Time, cancellationToken);   // a crash's, of which nobody knows how far it came
        }

        await pool.Zpool.Tools.ZfsAsync(pool.Subject(name), [.. verb, .. Words(record, pool.Subject(name)), .. origin, making], cancellationToken);
        await pool.Zpool.Tools.ZfsAsync(pool.Subject(name), ["rename", making, pool.Zpool.DatasetOf(name)], cancellationToken);
        ZvolNode.Forget(making);
    }

    /// <summary>Takes a volume away if this operation made it, finished or not. The caller holds the pool's lock.</summary>
    internal static async Task RemoveAsync(ZfsPool pool, VolumeName name, OperationContext context, CancellationToken cancellationToken)
    {
        Zpool zpool = pool.Zpool;
        if (context.Request.Ids.TryGetValue($"{name}", out Guid id) && zpool.MakingOf(context.Request.Id, id) is string making
            && await zpool.FindAsync(making, cancellationToken, "name") is not null)
        {
            await DestroyAsync(zpool, making, pool.Options, context.Time, cancellationToken);
        }

        if (zpool.In(await zpool.ListAsync(name, cancellationToken), name) is Dataset made && made.Mark == context.Mark)
        {
            await RequireUnmountedAsync(pool, made, context.Time, cancellationToken);
            await DestroyAsync(zpool, zpool.DatasetOf(name), pool.Options, context.Time, cancellationToken);
        }
    }

    /// <summary>
    /// Destroys a volume without snapshots; one that an operation is making goes with those that it has. udev may have it open for a moment.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: somebody has it open.</exception>
    internal static async Task DestroyAsync(Zpool zpool, string dataset, ZfsOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        string leaf = dataset[(dataset.LastIndexOf('/') + 1)..];
        bool isMaking = Zpool.IsMakingLeaf(leaf) || (VolumeName.TryParse(leaf, out VolumeName name) && name.IsTemporary);
        string[] words = isMaking ? ["destroy", "-r", dataset] : ["destroy", dataset];
        try
        {
            await Zpool.WhenNotBusyAsync(() => zpool.Tools.ZfsAsync(dataset, words, cancellationToken), options.BusyTimeout, time, cancellationToken);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Busy)
        {
            throw Busy(dataset, "delete it", e);
        }

        ZvolNode.Forget(dataset);
    }

    /// <summary>Refuses a file system that is mounted: zfs(8) would unmount what it destroys, and asks nobody who is about to use it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: it is mounted.</exception>
    internal static async Task RequireUnmountedAsync(ZfsPool pool, Dataset dataset, TimeProvider time, CancellationToken cancellationToken)
    {
        if (dataset.IsFileSystem && (await OpenVolumes.AfterAWhileAsync(pool.Zpool, [dataset.Name], pool.Options.BusyTimeout, time, cancellationToken)).Count > 0)
        {
            throw Busy(dataset.Name, "delete it");
        }
    }

    /// <summary>Says who has a volume open, as far as that can be told.</summary>
    internal static StorageException Busy(string dataset, string what, Exception? cause = null)
    {
        string path = ZvolNode.PathOf(dataset);
        string[] users =
            [
                .. MountTable.Read().Where(mount => mount.Kind == ZfsPool.Kind && mount.Source == dataset).Select(mount => $"a mount at {mount.Point}"),
                .. Path.Exists(path) ? DriveUse.UsersOf(path).Concat(DevicePrograms.Of(path, DriveNode.Resolve(path))) : [],
            ];
        string who = users.Length > 0 ? $" by {string.Join(", ", users)}" : ": by the kernel, as an export or a mount has it";
        return new(StorageErrorKind.Busy, dataset, $"is open{who}: end that, then {what}", cause);
    }
}
