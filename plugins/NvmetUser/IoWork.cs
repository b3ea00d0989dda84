using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>What commands do to their volume.</summary>
internal static class IoWork
{
    internal static ValueTask RunAsync(CommandSlot slot) => slot.Opcode switch
    {
        IoOpcode.Read => ReadAsync(slot),
        IoOpcode.Write => slot.Volume.Source.WriteAsync(slot.Offset, slot.Data, slot.Durability, CancellationToken.None),
        IoOpcode.Flush => new(slot.Volume.Flushes.FlushAsync()),
        IoOpcode.WriteZeroes => WriteZeroesAsync(slot),
        _ => DiscardAsync(slot),
    };

    private static ValueTask ReadAsync(CommandSlot slot)
        => slot.Durability == WriteDurability.Cached
            ? slot.Volume.Source.ReadAsync(slot.Offset, slot.Data, CancellationToken.None)
            : ReadStableAsync(slot);

    private static async ValueTask WriteZeroesAsync(CommandSlot slot)
    {
        await slot.Volume.Source.WriteZeroesAsync(slot.Offset, slot.Length, CancellationToken.None);
        if (slot.Durability == WriteDurability.Stable)
        {
            await slot.Volume.Flushes.FlushAsync();
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
        await slot.Volume.Flushes.FlushAsync();
        await slot.Volume.Source.ReadAsync(slot.Offset, slot.Data, CancellationToken.None);
    }
}
