using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>Parts of a pool that the operation which makes it may take away again.</summary>
internal static class PoolPart
{
    /// <summary>Removes a part, if this operation is making the pool.</summary>
    internal static async Task RemoveAsync(PoolInMaking making, string part, OperationContext context, string title, CancellationToken cancellationToken)
    {
        using FileLock held = await making.LockAsync(title, cancellationToken);
        if (await making.FindGroupAsync(cancellationToken) is VolumeGroup group
            && (await group.FindAsync(cancellationToken))?.Tags.Mark == context.Mark
            && (await group.ListCommittedAsync(cancellationToken)).Any(lv => lv.Name == part))
        {
            await group.RemoveAsync(part, LvTags.OperationTag(context.Request.Id), context.Time, cancellationToken);
        }
    }
}
