namespace EveStorage.Host.Lazy;

/// <summary>
/// Makes parts of a volume its own that were its image's. One lock is held while something becomes its own, and never while the image is read.
/// </summary>
/// <param name="blocks">The volume's blocks.</param>
/// <param name="map">What of them is its own.</param>
/// <param name="readsZero">Whether all that is not its own reads as zeros there.</param>
internal sealed class OwnParts(IBlockSource blocks, LazyMap map, bool readsZero) : IDisposable
{
    // One call of the pool's can't be cancelled: this much of it is soon done.
    private const long ZerosAtOnce = 64 << 20;

    private readonly SemaphoreSlim _one = new(1, 1);
    private bool _readsZero = readsZero;

    /// <summary>How many zeros are kept at once: where they have to be written, a guest waits for no more than this.</summary>
    internal long MostZeros => _readsZero ? long.MaxValue : ZerosAtOnce;

    /// <summary>Makes what the image has at a place the volume's own, wherever it is not yet.</summary>
    /// <param name="offset">Where it begins, with a granule.</param>
    /// <param name="length">How long it is, to the end of a granule.</param>
    /// <param name="data">The bytes; none for zeros.</param>
    /// <param name="copied">Whether the copy has come to its end with it.</param>
    /// <exception cref="StorageException">The volume can't take it now: then it is the image's as before.</exception>
    internal ValueTask KeepAsync(long offset, long length, ReadOnlyMemory<byte> data, bool copied)
        => LockedAsync(async () =>
        {
            for (long at = offset; map.NextMissing(at, offset + length) is DiskPart missing; at = missing.End)
            {
                await PutAsync(missing, data.IsEmpty ? data : data.Slice((int)(missing.Offset - offset), (int)missing.Length));
                if (!copied)
                {
                    map.Add(missing.Offset, missing.Length);
                }
            }

            map.Copied = copied ? offset + length : map.Copied;
        });

    /// <summary>Makes whole granules the volume's own by what is written to them.</summary>
    internal ValueTask ChangeAsync(long start, long end, Func<ValueTask> write)
        => LockedAsync(async () =>
        {
            await write();
            map.Add(start, end - start);
        });

    /// <inheritdoc/>
    public void Dispose() => _one.Dispose();

    // Blocks of zeros take no space where the volume reads as zeros by itself.
    private async ValueTask PutAsync(DiskPart part, ReadOnlyMemory<byte> bytes)
    {
        if (bytes.IsEmpty && !_readsZero)
        {
            await blocks.WriteZeroesAsync(part.Offset, part.Length, CancellationToken.None);
        }

        for (int at = 0, end; at < bytes.Length; at = end)
        {
            bool skip = _readsZero && IsZero(at);
            for (end = Next(at); end < bytes.Length && (_readsZero && IsZero(end)) == skip; end = Next(end))
            {
            }

            if (!skip)
            {
                await blocks.WriteAsync(part.Offset + at, bytes[at..end], WriteDurability.Cached, CancellationToken.None);
            }
        }

        int Next(int at) => Math.Min(bytes.Length, at + map.Granule);
        bool IsZero(int at) => !bytes.Span[at..Next(at)].ContainsAnyExcept((byte)0);
    }

    // After a change that failed nobody knows what lies there.
    private async ValueTask LockedAsync(Func<ValueTask> change)
    {
        await _one.WaitAsync();
        try
        {
            await change();
        }
        catch (StorageException)
        {
            _readsZero = false;
            throw;
        }
        finally
        {
            _one.Release();
        }
    }
}
