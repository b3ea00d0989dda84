using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>
/// A thin volume's blocks. The kernel tells whoever writes through its cache of every failure as EIO, also where the thin pool
/// is full (fs/buffer.c, end_buffer_async_write): so it is asked whether it is.
/// </summary>
internal sealed class ThinBlocks(LvmThinPool pool, VolumeName name, DeviceBlocks blocks) : IBlockSource
{
    private const string Full = "out_of_data";

    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(30);

    public ByteSize Size => blocks.Size;

    public bool TryRead(long offset, Span<byte> destination) => blocks.TryRead(offset, destination);

    public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
        => blocks.ReadAsync(offset, destination, cancellationToken);

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken)
        => durability == WriteDurability.Cached
            ? blocks.WriteAsync(offset, source, durability, cancellationToken)
            : ToldAsync(() => blocks.WriteAsync(offset, source, durability, cancellationToken));

    public ValueTask FlushAsync(CancellationToken cancellationToken) => ToldAsync(() => blocks.FlushAsync(cancellationToken));

    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken) => blocks.DiscardAsync(offset, length, cancellationToken);

    public ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken)
        => ToldAsync(() => blocks.WriteZeroesAsync(offset, length, cancellationToken));

    public ValueTask DisposeAsync() => blocks.DisposeAsync();

    private async ValueTask ToldAsync(Func<ValueTask> call)
    {
        try
        {
            await call();
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Io)
        {
            if (await FindFullAsync() is LogicalVolume full)
            {
                throw new StorageException(
                    StorageErrorKind.OutOfSpace, pool.Subject(name), $"the pool is full, {full.Size}: add a drive with 'evestorage pool add {pool.Name} DEVICE', or delete something", e);
            }

            throw;
        }
    }

    // Not by the caller's token: it wants to know why. Where LVM does not answer the failure itself is all there is to tell.
    private async Task<LogicalVolume?> FindFullAsync()
    {
        using CancellationTokenSource limit = new(s_longest, pool.Services.Time);
        try
        {
            return pool.PoolIn(await pool.Group.ListAsync(limit.Token)) is { Health: Full } full ? full : null;
        }
        catch (Exception e) when (e is StorageException or OperationCanceledException)
        {
            return null;
        }
    }
}
