using System.Buffers;
using System.Diagnostics;
using EveStorage.Qcow2Import;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>
/// Images that are changed where the format has a number, a flag, an offset or compressed bytes, each told by its number. What
/// is found becomes a test of its own, with the image of that number.
/// </summary>
[Collection(MemoryIsCounted.Name)]
public sealed class Qcow2FuzzTests(ITestOutputHelper output)
{
    private const int ShortCount = 20_000;

    // As the hostile corpus: tables, and a map of clusters.
    private const long MostAllocated = (64 + (2 * 32)) << 20;
    private const int MostExtents = 1 << 17;

    // Larger disks are told, and not held.
    private const int MostHeld = 4 << 20;

    // EVESTORAGE_LONG=1 goes on for ten minutes, from where nobody has been, or from EVESTORAGE_FUZZ_FIRST.
    private static bool IsLong { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";

    private static int First { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_FUZZ_FIRST") is string first ? int.Parse(first, System.Globalization.CultureInfo.InvariantCulture)
        : IsLong ? Environment.TickCount & 0x7FFF_0000 : 0;

    [Fact]
    public async Task Those_that_are_changed_are_sound_before_and_read_as_the_disk_that_they_were_made_of()
    {
        for (int number = 0; number < 192; number++)
        {
            SoundImage sound = SoundImage.Make(number);
            Memory<byte>? whole = await ReadAsync(sound.Bytes, canSeek: true, number, new byte[MostHeld]);
            Memory<byte>? stream = await TryReadAsync(sound.Bytes, canSeek: false, number, new byte[MostHeld]);   // null where its tables come too late

            whole.ShouldNotBeNull().Span.SequenceEqual(sound.Disk).ShouldBeTrue($"{number}");
            (stream ?? whole.Value).Span.SequenceEqual(sound.Disk).ShouldBeTrue($"{number}");
        }
    }

    [Fact]
    public async Task An_image_is_read_or_refused_whatever_it_holds_and_the_same_in_any_order()
    {
        TimeSpan budget = IsLong ? TimeSpan.FromMinutes(10) : TimeSpan.Zero;
        long start = Stopwatch.GetTimestamp();
        (int count, int read) = (0, 0);
        await Task.WhenAll(Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Task.Run(async () =>
        {
            (byte[] whole, byte[] stream) = (new byte[MostHeld], new byte[MostHeld]);
            while (Volatile.Read(ref count) < ShortCount || Stopwatch.GetElapsedTime(start) < budget)
            {
                int number = unchecked(First + Interlocked.Increment(ref count) - 1) & int.MaxValue;
                bool isRead = await IsReadAsync(number, whole, stream);
                Interlocked.Add(ref read, isRead ? 1 : 0);
            }
        })));
        output.WriteLine($"{count} images from {First} on, of which {read} were read, in {Stopwatch.GetElapsedTime(start).TotalSeconds:0} s");
        read.ShouldBeInRange(count / 20, count - (count / 20), "a fuzzer whose images are all refused, or all sound, finds nothing");
    }

    // Rooms are made once: what is allocated anew for each image takes longer than reading it.
    private static async Task<bool> IsReadAsync(int number, byte[] wholeRoom, byte[] streamRoom)
    {
        byte[] bytes = FuzzedImage.Make(number);
        Memory<byte>? whole = await TryReadAsync(bytes, canSeek: true, number, wholeRoom);
        Memory<byte>? stream = number % 4 == 0 ? await TryReadAsync(bytes, canSeek: false, number, streamRoom) : null;
        Require(whole is null || stream is null || whole.Value.Span.SequenceEqual(stream.Value.Span), number, "another disk as a stream");
        return whole is not null;
    }

    private static async Task<Memory<byte>?> TryReadAsync(byte[] bytes, bool canSeek, int number, byte[] room)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            return await ReadAsync(bytes, canSeek, number, room);
        }
        catch (StorageException e)
        {
            e.Kind.ShouldBeOneOf([StorageErrorKind.Corrupt, StorageErrorKind.NotSupported], $"{number}");
            return null;
        }
        catch (Exception e) when (e is not ShouldAssertException)
        {
            throw new InvalidOperationException($"{number}: {e.GetType().Name}", e);
        }
        finally
        {
            (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(MostAllocated, $"{number}");
        }
    }

    // Everything that a worker asks of a reader, with an end to it: a disk of holes may be told in many pieces, and never in
    // millions. Gives back a disk that is small.
    private static async Task<Memory<byte>?> ReadAsync(byte[] bytes, bool canSeek, int which, byte[] room)
    {
        MemoryImage image = new() { Bytes = bytes, CanSeek = canSeek };
        await using IImageReader reader = await new Qcow2Format().OpenLinkedAsync(image, default);
        long size = reader.VirtualSize.Bytes;
        bool inImage = reader is not ILinkedImageReader { Links: [{ Kind: ImageLinkKind.Data }, ..] };
        if (reader is ISeekableImageReader seekable && size > 0)
        {
            (await ((ISnapshotImageReader)reader).ListSnapshotsAsync(default)).Count.ShouldBeLessThanOrEqualTo(65536, $"{which}");
            ImageExtent last = await seekable.LookupAsync(size - 1, default);
            (last.GuestOffset + last.Length).ShouldBe(size, $"{which}");
        }

        Memory<byte>? disk = size <= MostHeld ? room.AsMemory(0, (int)size) : default(Memory<byte>?);   // a bare null would be an empty disk
        disk?.Span.Clear();
        (long told, int extents) = (0, 0);
        await foreach (ImageExtent extent in reader.ReadExtentsAsync(default))
        {
            Require(extent.Length > 0 && extent.GuestOffset >= 0 && extent.GuestOffset <= size - extent.Length, which, "a part of the disk that is none");
            Require(!canSeek || extent.GuestOffset == told, which, "the disk out of order");
            told += extent.Length;
            if (extent.Kind == ExtentKind.Data && inImage && extent.SourceLength < bytes.Length + 512 && extent.Length <= MostHeld)
            {
                await DecodeAsync(image, reader, extent, disk);
            }

            if (extents++ > MostExtents)
            {
                return null;
            }
        }

        Require(told == size, which, "not all of the disk, or some of it twice");
        return inImage ? disk : null;
    }

    private static async Task DecodeAsync(MemoryImage image, IImageReader reader, ImageExtent extent, Memory<byte>? disk)
    {
        byte[] source = ArrayPool<byte>.Shared.Rent((int)extent.SourceLength);
        int read = await image.ReadAsync(extent.SourceOffset, source.AsMemory(0, (int)extent.SourceLength), default);
        reader.Decode(extent, source.AsSpan(0, read), disk is Memory<byte> held ? held.Span.Slice((int)extent.GuestOffset, (int)extent.Length) : new byte[extent.Length]);
        ArrayPool<byte>.Shared.Return(source);
    }

    private static void Require(bool holds, int which, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"{which}: told {what}");
        }
    }
}
