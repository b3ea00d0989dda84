using static EveStorage.Conformance.Promise;

namespace EveStorage.Conformance;

/// <summary>Blocks.</summary>
internal static class BlockPromises
{
    internal static IReadOnlyList<ConformanceCase> Cases { get; } =
    [
        new("A new volume reads as zeros", VolumeTraits.None, NewIsZeroAsync),
        new("What was written is read, at once and by another opening", VolumeTraits.None, WrittenIsReadAsync),
        new("A read that needs no waiting is as good as one that does", VolumeTraits.None, CachedIsSameAsync),
        new("An opening to read refuses every change", VolumeTraits.None, ReaderChangesNothingAsync),
        new("What lies beyond the end is refused", VolumeTraits.None, BeyondTheEndAsync),
        new("Zeros that are written are read, and their neighbours stay", VolumeTraits.None, ZeroesAsync),
        new("What was discarded reads as zeros or as it was, and its neighbours stay", VolumeTraits.None, DiscardedAsync),
        new("A volume that is not there can't be opened", VolumeTraits.None, AbsentIsNotFoundAsync),
    ];

    private static async Task NewIsZeroAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        foreach (long offset in (long[])[0, 1 << 20, Size.Bytes - 4096])
        {
            await RequirePageAsync(pool, Volume, offset, 0, cancellationToken);
        }
    }

    private static async Task WrittenIsReadAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await using (IBlockSource blocks = await pool.OpenBlocksAsync(Volume, BlockAccess.ReadWrite, cancellationToken))
        {
            await blocks.WriteAsync(0, Page(1), WriteDurability.Stable, cancellationToken);
            await blocks.WriteAsync(Size.Bytes - 4096, Page(2), WriteDurability.Cached, cancellationToken);
            await RequirePageAsync(blocks, Size.Bytes - 4096, 2, cancellationToken);
            await Task.WhenAll(blocks.FlushAsync(cancellationToken).AsTask(), blocks.FlushAsync(cancellationToken).AsTask());
        }

        await RequirePageAsync(pool, Volume, 0, 1, cancellationToken);
        await RequirePageAsync(pool, Volume, Size.Bytes - 4096, 2, cancellationToken);
        await RequirePageAsync(pool, Volume, 4096, 0, cancellationToken);
    }

    private static async Task CachedIsSameAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await WriteAsync(pool, Volume, 8192, 5, cancellationToken);
        await using IBlockSource blocks = await pool.OpenBlocksAsync(Volume, BlockAccess.Read, cancellationToken);
        byte[] page = new byte[4096];
        Require(!blocks.TryRead(8192, page) || page.AsSpan().SequenceEqual(Page(5)), "it is other bytes");
    }

    private static async Task ReaderChangesNothingAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await WriteAsync(pool, Volume, 0, 3, cancellationToken);
        await using IBlockSource blocks = await pool.OpenBlocksAsync(Volume, BlockAccess.Read, cancellationToken);
        await RefusedAsync("a write", () => blocks.WriteAsync(0, Page(4), WriteDurability.Cached, cancellationToken));
        await RefusedAsync("a stable write", () => blocks.WriteAsync(0, Page(4), WriteDurability.Stable, cancellationToken));
        await RefusedAsync("zeros", () => blocks.WriteZeroesAsync(0, 4096, cancellationToken));
        await RefusedAsync("a discard", () => blocks.DiscardAsync(0, 4096, cancellationToken));
        await RequirePageAsync(pool, Volume, 0, 3, cancellationToken);
    }

    private static async Task BeyondTheEndAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await using IBlockSource blocks = await pool.OpenBlocksAsync(Volume, BlockAccess.ReadWrite, cancellationToken);
        foreach (long offset in (long[])[blocks.Size.Bytes - 512, blocks.Size.Bytes, long.MaxValue - 511, -4096])
        {
            await RefusedAsync($"a write at {offset}", () => blocks.WriteAsync(offset, Page(1), WriteDurability.Cached, cancellationToken));
            await RefusedAsync($"a read at {offset}", () => blocks.ReadAsync(offset, new byte[4096], cancellationToken));
            await RefusedAsync($"zeros at {offset}", () => blocks.WriteZeroesAsync(offset, 4096, cancellationToken));
        }

        Require(blocks.Size == Size, $"the size became {blocks.Size}");
    }

    private static async Task ZeroesAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await using IBlockSource blocks = await pool.OpenBlocksAsync(Volume, BlockAccess.ReadWrite, cancellationToken);
        await WriteThreeAsync(blocks, cancellationToken);
        await blocks.WriteZeroesAsync(4096, 4096, cancellationToken);
        await RequirePageAsync(blocks, 0, 1, cancellationToken);
        await RequirePageAsync(blocks, 4096, 0, cancellationToken);
        await RequirePageAsync(blocks, 8192, 1, cancellationToken);
    }

    private static async Task DiscardedAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await using IBlockSource blocks = await pool.OpenBlocksAsync(Volume, BlockAccess.ReadWrite, cancellationToken);
        await WriteThreeAsync(blocks, cancellationToken);
        await blocks.DiscardAsync(4096, 4096, cancellationToken);
        byte[] page = new byte[4096];
        await blocks.ReadAsync(4096, page, cancellationToken);
        Require(page.AsSpan().SequenceEqual(Page(0)) || page.AsSpan().SequenceEqual(Page(1)), "they are neither");
        await RequirePageAsync(blocks, 0, 1, cancellationToken);
        await RequirePageAsync(blocks, 8192, 1, cancellationToken);
    }

    private static Task AbsentIsNotFoundAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
        => RequireAsync(StorageErrorKind.NotFound, async () => await pool.OpenBlocksAsync(Volume, BlockAccess.Read, cancellationToken));

    private static async Task WriteThreeAsync(IBlockSource blocks, CancellationToken cancellationToken)
    {
        for (long offset = 0; offset < 3 * 4096; offset += 4096)
        {
            await blocks.WriteAsync(offset, Page(1), WriteDurability.Cached, cancellationToken);
        }
    }

    private static async Task RefusedAsync(string what, Func<ValueTask> call)
    {
        try
        {
            await call();
        }
        catch (StorageException)
        {
            return;
        }

        throw new ConformanceException($"{what} was not refused");
    }
}
