namespace EveStorage.NvmetUser;

/// <summary>Commands that are more than one call of the volume.</summary>
internal static class IoWork
{
    internal static ValueTask ReadAsync(CommandSlot slot)
        => slot.Durability == WriteDurability.Cached
            ? slot.Volume.Source.ReadAsync(slot.Offset, slot.Data, CancellationToken.None)
            : ReadStableAsync(slot);

    internal static async ValueTask WriteZeroesAsync(CommandSlot slot)
    {
        await slot.Volume.Source.WriteZeroesAsync(slot.Offset, slot.Length, CancellationToken.None);
        if (slot.Durability == WriteDurability.Stable)
        {
            await slot.Volume.Flushes.FlushAsync();
        }
    }

    internal static async ValueTask DiscardAsync(CommandSlot slot)
    {
        foreach ((long offset, long length) in slot.Ranges)
        {
            if (length > 0)
            {
                await slot.Volume.Source.DiscardAsync(offset, length, CancellationToken.None);
            }
        }
    }

    // FUA of a read: what it returns must be on the medium. NVM command set specification 1.0, 3.2.4.
    private static async ValueTask ReadStableAsync(CommandSlot slot)
    {
        await slot.Volume.Flushes.FlushAsync();
        await slot.Volume.Source.ReadAsync(slot.Offset, slot.Data, CancellationToken.None);
    }
}
