using System.Runtime.CompilerServices;
using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>What commands do to their volume.</summary>
internal static class IoWork
{
    // It is asynchronous so that whatever a volume throws ends in the task, and pooled so that nothing is allocated for it.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    internal static async ValueTask RunAsync(CommandSlot slot)
    {
        switch (slot.Opcode)
        {
            case IoOpcode.Read:
                await ReadAsync(slot);
                break;
            case IoOpcode.Write:
                await WriteAsync(slot);
                break;
            case IoOpcode.Flush:
                await FlushAsync(slot);
                break;
            case IoOpcode.WriteZeroes:
                await WriteZeroesAsync(slot);
                break;
            default:
                await DiscardAsync(slot);
                break;
        }
    }

    private static ValueTask ReadAsync(CommandSlot slot)
        => slot.Durability == WriteDurability.Cached
            ? slot.Volume.Source.ReadAsync(slot.Offset, slot.Data, CancellationToken.None)
            : ReadStableAsync(slot);

    private static ValueTask WriteAsync(CommandSlot slot)
        => slot.Durability == WriteDurability.Cached
            ? slot.Volume.Source.WriteAsync(slot.Offset, slot.Data, WriteDurability.Cached, CancellationToken.None)
            : WriteStableAsync(slot);

    private static async ValueTask FlushAsync(CommandSlot slot)
    {
        slot.Syncing = true;
        await slot.Volume.Flushes.FlushAsync();
        slot.Syncing = false;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask WriteStableAsync(CommandSlot slot)
    {
        slot.Syncing = true;
        try
        {
            await slot.Volume.Source.WriteAsync(slot.Offset, slot.Data, WriteDurability.Stable, CancellationToken.None);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.OutOfSpace)
        {
            // Either there is no room for it, which is no harm, or none for what was written before: only a sync tells.
            await FlushAsync(slot);
            throw;
        }
    }

    private static async ValueTask WriteZeroesAsync(CommandSlot slot)
    {
        await slot.Volume.Source.WriteZeroesAsync(slot.Offset, slot.Length, CancellationToken.None);
        if (slot.Durability == WriteDurability.Stable)
        {
            await FlushAsync(slot);
        }
    }

    private static async ValueTask DiscardAsync(CommandSlot slot)
    {
        foreach ((long offset, long length) in slot.Ranges)
        {
            if (length > 0)
            {
                await slot.Volume.Source.DiscardAsync(offset, length, CancellationToken.None);
            }
        }
    }

    // FUA of a read: what it returns must be on the medium. NVM command set specification 1.0, "Read command".
    private static async ValueTask ReadStableAsync(CommandSlot slot)
    {
        await FlushAsync(slot);
        await slot.Volume.Source.ReadAsync(slot.Offset, slot.Data, CancellationToken.None);
    }
}
