using System.Buffers;
using EveStorage.Host.Worker;

namespace EveStorage.Host.Lazy;

/// <summary>A volume that lies over its image: what is not its own yet is read from there, and kept. Safe for many calls at once.</summary>
internal sealed class LazyVolume : IAsyncDisposable
{
    // What a guest reads next to what it reads, and what a cluster of most images has.
    private const int ReadAround = 64 << 10;

    // One call of the pool's can't be cancelled: this much of it is soon done.
    private const long LongestZeros = 1L << 30;

    private readonly IBlockSource _blocks;
    private readonly ImageBehind _image;
    private readonly LazyMap _map;
    private readonly FlushedMap _flushed;
    private readonly OwnParts _own;

    private LazyVolume(IBlockSource blocks, ImageBehind image, ImageNote note, LazyMap map, FlushedMap flushed, OwnParts own)
    {
        (_blocks, _image, Note, _map, _flushed, _own) = (blocks, image, note, map, flushed, own);
    }

    /// <summary>Which image it is.</summary>
    internal ImageNote Note { get; }

    /// <summary>Its blocks, as they are.</summary>
    internal IBlockSource Blocks => _blocks;

    /// <summary>The image.</summary>
    internal ImageBehind Image => _image;

    /// <summary>Up to where the copy has come.</summary>
    internal long Copied => _map.Copied;

    /// <summary>How many zeros are kept at once: where they have to be written, a guest waits for no more than this.</summary>
    internal long MostZeros => _own.MostZeros;

    /// <summary>Whether nothing of it is its image's, and its map is closed.</summary>
    internal bool IsOrdinary => _flushed.IsClosed;

    /// <summary>Whether its image turned out to be another one than was asked for, so that it is read and written no more.</summary>
    internal bool IsRefused => _flushed.IsRefused;

    /// <summary>Opens it. From then on it may hold anything where its map says nothing.</summary>
    internal static async Task<LazyVolume> OpenAsync(
        IBlockSource blocks, MapStore store, Func<ImageNote, ImageBehind> imageOf, CancellationToken cancellationToken)
    {
        (ImageNote note, MapState state) = await store.ReadAsync(cancellationToken);
        LazyMap map = await store.ReadMapAsync(note, state, cancellationToken);
        LazyVolume volume = new(blocks, imageOf(note), note, map, new(blocks, store, map, state), new(blocks, map, note.ReadsZero && !state.IsUsed));
        if (!state.IsUsed)
        {
            await volume._flushed.ChangeAsync(static state => state with { IsUsed = true });
        }

        return volume;
    }

    /// <summary>Reads what needs no waiting, as a block source does.</summary>
    internal bool TryRead(long offset, Span<byte> target)
    {
        Require(offset, target.Length);
        return IsOwn(offset, target.Length) && _blocks.TryRead(offset, target);
    }

    /// <summary>Reads. What is its image's yet is its own then.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Io"/>: it is the image's yet, which can't be read.</exception>
    internal async ValueTask ReadAsync(long offset, Memory<byte> target, CancellationToken cancellationToken)
    {
        Require(offset, target.Length);
        while (!target.IsEmpty)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int length = (int)Math.Min(target.Length, ReadRequest.MaxLength - ReadAround - (offset % ReadAround));
            if (IsOwn(offset, length))
            {
                await _blocks.ReadAsync(offset, target[..length], cancellationToken);
            }
            else
            {
                await ReadThroughAsync(offset, target[..length], cancellationToken);
            }

            (offset, target) = (offset + length, target[length..]);
        }
    }

    /// <summary>Writes.</summary>
    internal async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken)
    {
        Require(offset, source.Length);
        if (IsOrdinary || (_map.Has(offset, source.Length) && (durability == WriteDurability.Cached || offset + source.Length <= _flushed.Copied)))
        {
            await _blocks.WriteAsync(offset, source, durability, cancellationToken);
            return;
        }

        // A part of a granule takes the rest of it from the image first.
        long end = offset + source.Length;
        await FetchAsync(_map.Down(offset), offset);
        await FetchAsync(end, _map.Up(end));
        await _own.ChangeAsync(_map.Down(offset), _map.Up(end), () => _blocks.WriteAsync(offset, source, WriteDurability.Cached, cancellationToken));
        if (durability == WriteDurability.Stable)
        {
            await FlushAsync(cancellationToken);   // its bit has to last as well
        }
    }

    /// <summary>Makes bytes read as zero.</summary>
    internal async ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken)
    {
        Require(offset, length);
        if (IsOwn(offset, length))
        {
            await _blocks.WriteZeroesAsync(offset, length, cancellationToken);
            return;
        }

        long end = offset + length;
        await FetchAsync(_map.Down(offset), offset);
        await FetchAsync(end, _map.Up(end));
        for (long at = offset, next; at < end; at = next)
        {
            next = Math.Min(end, _map.Down(at) + LongestZeros);
            await _own.ChangeAsync(_map.Down(at), _map.Up(next), () => _blocks.WriteZeroesAsync(at, next - at, cancellationToken));
        }
    }

    /// <summary>Gives bytes up. What of them is its image's yet reads as zero then.</summary>
    internal async ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken)
    {
        Require(offset, length);
        if (IsOwn(offset, length))
        {
            await _blocks.DiscardAsync(offset, length, cancellationToken);
            return;
        }

        // It is a hint: of a granule that it is only a part of, what was there stays.
        (long start, long end) = (_map.Up(offset), offset + length == Note.Size.Bytes ? offset + length : _map.Down(offset + length));
        if (start < end)
        {
            await WriteZeroesAsync(start, end - start, cancellationToken);
        }
    }

    /// <summary>Makes all that was written before survive a crash, and with it that it is the volume's own.</summary>
    internal ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        RequireNotRefused();
        return _flushed.FlushAsync(cancellationToken);
    }

    /// <summary>Where the next byte is that is the image's yet, or the volume's end.</summary>
    internal long NextMissing(long offset) => _map.NextMissing(offset, Note.Size.Bytes)?.Offset ?? Note.Size.Bytes;

    /// <inheritdoc cref="OwnParts.KeepAsync"/>
    internal ValueTask KeepAsync(long offset, long length, ReadOnlyMemory<byte> data, bool copied) => _own.KeepAsync(offset, length, data, copied);

    /// <summary>Makes it known that the image is not the one that was asked for. Once this returns that survives a crash.</summary>
    internal Task RefuseAsync() => _flushed.ChangeAsync(static state => state with { IsRefused = true });

    /// <summary>Lets go of image and map, when all is the volume's own and that survives a crash.</summary>
    internal async Task MakeOrdinaryAsync()
    {
        await _flushed.CloseAsync();
        await _image.DisposeAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!IsOrdinary)
        {
            await _image.DisposeAsync();
        }

        await _flushed.DisposeAsync();
        await _blocks.DisposeAsync();
        _own.Dispose();
    }

    // What is around it, too, as far as it is missing. A pool that has no room to keep it does not keep a guest from reading it.
    private async ValueTask ReadThroughAsync(long offset, Memory<byte> target, CancellationToken cancellationToken)
    {
        long start = offset / ReadAround * ReadAround;
        long end = Math.Min(Note.Size.Bytes, (offset + target.Length + ReadAround - 1) / ReadAround * ReadAround);
        (start, end) = (Math.Min(start, _map.Down(offset)), Math.Max(end, _map.Up(offset + target.Length)));
        byte[] rented = ArrayPool<byte>.Shared.Rent((int)(end - start));
        try
        {
            Memory<byte> around = rented.AsMemory(0, (int)(end - start));
            if (await TryFillAsync(start, around) is bool isZero)
            {
                try
                {
                    await KeepAsync(start, around.Length, isZero ? ReadOnlyMemory<byte>.Empty : around, copied: false);
                }
                catch (StorageException)
                {
                    await MergeAsync(offset, target, isZero ? ReadOnlyMemory<byte>.Empty : around[(int)(offset - start)..], cancellationToken);
                    return;
                }
            }

            await _blocks.ReadAsync(offset, target, cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    // Null when the copy has passed meanwhile: then it is the volume's own, and at the end of the copy there is no image any more.
    private async ValueTask<bool?> TryFillAsync(long offset, Memory<byte> target)
    {
        try
        {
            return await _image.FillAsync(offset, target);
        }
        catch (Exception e) when (e is StorageException or ObjectDisposedException && IsOwn(offset, target.Length))
        {
            return null;
        }
    }

    private async ValueTask MergeAsync(long offset, Memory<byte> target, ReadOnlyMemory<byte> image, CancellationToken cancellationToken)
    {
        long end = offset + target.Length;
        for (long at = offset, next; at < end; at = next)
        {
            next = Math.Min(end, _map.Down(at) + _map.Granule);
            Memory<byte> part = target[(int)(at - offset)..(int)(next - offset)];
            if (_map.Has(at, next - at))
            {
                await _blocks.ReadAsync(at, part, cancellationToken);
            }
            else if (image.IsEmpty)
            {
                part.Span.Clear();
            }
            else
            {
                image.Slice((int)(at - offset), part.Length).CopyTo(part);
            }
        }
    }

    // The granule that is written only from, or only up to, a place in it.
    private async ValueTask FetchAsync(long start, long end)
    {
        if (start == end || _map.Has(start, end - start))
        {
            return;
        }

        long from = _map.Down(start);
        byte[] granule = new byte[_map.Up(end) - from];
        if (await TryFillAsync(from, granule) is bool isZero)
        {
            await KeepAsync(from, granule.Length, isZero ? ReadOnlyMemory<byte>.Empty : granule, copied: false);
        }
    }

    private bool IsOwn(long offset, long length) => IsOrdinary || _map.Has(offset, length);

    private void Require(long offset, long length)
    {
        RequireNotRefused();
        if (!IsOrdinary && (offset < 0 || length < 0 || offset > Note.Size.Bytes - length))
        {
            throw new StorageException(StorageErrorKind.NotSupported, Note.ImageName, $"is the image of a volume of {Note.Size}, which has not {length} bytes at {offset}");
        }
    }

    private void RequireNotRefused()
    {
        if (IsRefused)
        {
            throw new StorageException(StorageErrorKind.Io, Note.ImageName, "is not the image that was asked for, by its SHA-256: the volume made of it is read and written no more");
        }
    }
}
