using EveStorage.Host.Worker;

namespace EveStorage.Host.Lazy;

/// <summary>
/// Copies a volume's image behind its back, from the disk's start to its end, no faster than it may. What can't be read or written now is tried
/// again, each time after a longer pause, for as long as that takes.
/// </summary>
internal sealed class LazyCopy(LazyVolume volume, ByteSize rate, Action<StorageException?> tell, TimeProvider time)
{
    private const int ShortestStep = 64 << 10;
    private const long StoreAfter = 256L << 20;
    private static readonly TimeSpan s_storeAfter = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_firstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(15);

    private readonly byte[][] _buffers = [new byte[ReadRequest.MaxLength], new byte[ReadRequest.MaxLength]];
    private readonly int _step = rate.Bytes == 0 ? ReadRequest.MaxLength : (int)Math.Clamp(rate.Bytes / 8 / ShortestStep * ShortestStep, ShortestStep, ReadRequest.MaxLength);
    private readonly long _size = volume.Note.Size.Bytes;
    private long _stored = time.GetTimestamp();
    private long _storedAt = volume.Copied;
    private long _mayGoOn = time.GetTimestamp();

    /// <summary>Copies to the end. Once this returns all of it survives a crash.</summary>
    internal Task RunAsync(CancellationToken cancellationToken) => UntilDoneAsync(CopyAsync, cancellationToken);

    /// <summary>Does something that may have to be tried again, until it is done.</summary>
    internal async Task UntilDoneAsync(Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        for (TimeSpan pause = s_firstPause; ; pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause)
        {
            long before = volume.Copied;
            try
            {
                await work(cancellationToken);
                tell(null);
                return;
            }
            catch (StorageException e)
            {
                tell(e);
            }

            pause = volume.Copied > before ? s_firstPause : pause;
            await Task.Delay(pause, time, cancellationToken);
        }
    }

    private async Task CopyAsync(CancellationToken cancellationToken)
    {
        await volume.Image.CheckTablesAsync(cancellationToken);
        Task<ImagePart>? reading = null;
        for (int turn = 0; volume.Copied < _size; turn ^= 1)
        {
            long at = volume.Copied;
            if (reading is null)
            {
                await SkipAsync(at);
                at = volume.Copied;
                reading = at < _size ? ReadAsync(at, turn, cancellationToken) : null;
                if (reading is null)
                {
                    break;
                }
            }

            ImagePart part = await reading.WaitAsync(cancellationToken);   // who ends it closes the image, too, and waits for no server
            long length = await WholeAsync(part, at, turn);
            bool isZero = part.IsZero && length <= part.Length;
            long next = at + length;

            // The next is read while this is written, unless guests have written all of it.
            reading = next < _size && volume.NextMissing(next) == next ? ReadAsync(next, turn ^ 1, cancellationToken) : null;
            try
            {
                await volume.KeepAsync(at, length, isZero ? ReadOnlyMemory<byte>.Empty : _buffers[turn].AsMemory(0, (int)length), copied: true);
                tell(null);
                await StoreAsync(isLast: false);
            }
            catch (StorageException)
            {
                await EndAsync(reading);   // it would write to a buffer that the next try uses
                throw;
            }
        }

        await StoreAsync(isLast: true);
    }

    // What guests have written by now is passed over, without reading the image there.
    private async Task SkipAsync(long at)
    {
        if (volume.NextMissing(at) is long missing && missing > at)
        {
            await volume.KeepAsync(at, missing - at, ReadOnlyMemory<byte>.Empty, copied: true);
        }
    }

    private async Task<ImagePart> ReadAsync(long offset, int turn, CancellationToken cancellationToken)
    {
        if (time.GetElapsedTime(_mayGoOn) < TimeSpan.Zero)
        {
            await Task.Delay(time.GetElapsedTime(_mayGoOn).Negate(), time, cancellationToken);
        }

        int length = (int)Math.Min(_step, _size - offset);
        ImagePart part = await volume.Image.ReadAsync(offset, _buffers[turn].AsMemory(0, length), Math.Min(_size - offset, volume.MostZeros));
        if (rate.Bytes > 0 && !part.IsZero)
        {
            _mayGoOn = time.GetTimestamp() + (long)(part.Length / (double)rate.Bytes * time.TimestampFrequency);
        }

        return part;
    }

    // Whole granules of what came. Where that is less than one, the rest of it is read, too.
    private async ValueTask<long> WholeAsync(ImagePart part, long at, int turn)
    {
        int granule = volume.Note.Granule;
        long length = at + part.Length >= _size ? _size - at : part.Length / granule * granule;
        if (length == 0)
        {
            length = Math.Min(granule, _size - at);
            Memory<byte> whole = _buffers[turn].AsMemory(0, (int)length);
            if (await volume.Image.FillAsync(at, whole))
            {
                whole.Span.Clear();
            }
        }

        return length;
    }

    // As much as a drive writes in a second or two is copied again after a crash.
    private async Task StoreAsync(bool isLast)
    {
        if (isLast || volume.Copied - _storedAt >= StoreAfter || time.GetElapsedTime(_stored) >= s_storeAfter)
        {
            await volume.Image.RequireSameAsync();
            await volume.FlushAsync(CancellationToken.None);
            (_stored, _storedAt) = (time.GetTimestamp(), volume.Copied);
        }
    }

    private static async Task EndAsync(Task? reading)
    {
        try
        {
            await (reading ?? Task.CompletedTask);
        }
        catch (Exception e) when (e is StorageException or OperationCanceledException)
        {
            // what is told is why the other failed
        }
    }
}
