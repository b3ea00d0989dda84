namespace EveStorage.Lvm;

/// <summary>What the steps that make a volume have in common.</summary>
internal static class MadeVolume
{
    /// <summary>The volume as it was asked for; null when it is to be made.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: something else has that name.</exception>
    internal static LogicalVolume? SameIn(LvmPool pool, IReadOnlyList<LogicalVolume> all, VolumeSpec spec)
    {
        LogicalVolume? found = pool.OursIn(all, spec.Name);
        return found is null || found.Tags.Making is not null || found.Size == spec.Size
            ? found?.Tags.Making is null ? found : null
            : throw new StorageException(StorageErrorKind.Conflict, pool.Subject(spec.Name), $"exists with {found.Size}, not {spec.Size}");
    }

    /// <summary>Tags, as words for lvcreate.</summary>
    internal static IEnumerable<string> TagWords(IEnumerable<string> tags) => tags.SelectMany(tag => (string[])["--addtag", tag]);

    /// <summary>Removes the volume if this operation made it, finished or not.</summary>
    internal static async ValueTask RemoveAsync(LvmPool pool, VolumeName name, OperationContext context, string title, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(title, cancellationToken);
        IReadOnlyList<LogicalVolume> all = await pool.Group.ListCommittedAsync(cancellationToken);
        if (all.FirstOrDefault(lv => lv.Name == LvName.Of(name))?.Tags.Mark == context.Mark)
        {
            await pool.Group.RemoveAsync(LvName.Of(name), LvTags.OperationTag(context.Request.Id), context.Time, cancellationToken);
        }
    }
}
