namespace EveStorage.Trials;

/// <summary>Pages of a volume, each of one byte, by which a trial knows what it wrote; and waiting for a pool.</summary>
public static class Pages
{
    private const int Length = 4096;

    /// <summary>Writes a page that is stable when this returns.</summary>
    public static async Task WriteAsync(IStoragePool pool, VolumeName volume, long offset, byte value)
    {
        ArgumentNullException.ThrowIfNull(pool);
        byte[] page = new byte[Length];
        Array.Fill(page, value);
        await using IBlockSource blocks = await pool.OpenBlocksAsync(volume, BlockAccess.ReadWrite, default);
        await blocks.WriteAsync(offset, page, WriteDurability.Stable, default);
    }

    /// <summary>Requires that a page is as it was written.</summary>
    public static async Task RequireAsync(IStoragePool pool, VolumeName volume, long offset, byte value)
    {
        ArgumentNullException.ThrowIfNull(pool);
        byte[] page = new byte[Length];
        await using IBlockSource blocks = await pool.OpenBlocksAsync(volume, BlockAccess.Read, default);
        await blocks.ReadAsync(offset, page, default);
        Sentences.Require(page.All(b => b == value), $"the bytes at {offset} are {page[0]}");
    }

    /// <summary>Waits up to 5 minutes until something holds.</summary>
    public static async Task UntilAsync(Func<Task<bool>> holdsAsync, string otherwise)
    {
        ArgumentNullException.ThrowIfNull(holdsAsync);
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(5));
        while (!await holdsAsync())
        {
            Sentences.Require(!limit.IsCancellationRequested, otherwise);
            await Task.Delay(500);
        }
    }
}
