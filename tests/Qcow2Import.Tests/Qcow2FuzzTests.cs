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
            byte[]? whole = await ReadAsync(sound.Bytes, canSeek: true, $"{number}");
            byte[]? stream = await TryReadAsync(sound.Bytes, canSeek: false, number);   // null where its tables come too late

            whole.ShouldNotBeNull().AsSpan().SequenceEqual(sound.Disk).ShouldBeTrue($"{number}");
            (stream ?? whole).AsSpan().SequenceEqual(sound.Disk).ShouldBeTrue($"{number}");
        }
    }

    [Fact]
    public async Task An_image_is_read_or_refused_whatever_it_holds_and_the_same_in_any_order()
    {
        TimeSpan budget = IsLong ? TimeSpan.FromMinutes(10) : TimeSpan.Zero;
        long start = Stopwatch.GetTimestamp();
        (int count, int read) = (0, 0);
        for (; count < ShortCount || Stopwatch.GetElapsedTime(start) < budget; count++)
        {
            int number = unchecked(First + count) & int.MaxValue;
            byte[] bytes = FuzzedImage.Make(number);
            byte[]? whole = await TryReadAsync(bytes, canSeek: true, number);
            read += whole is null ? 0 : 1;
            byte[]? stream = number % 4 == 0 ? await TryReadAsync(bytes, canSeek: false, number) : null;
            (whole is null || stream is null || whole.AsSpan().SequenceEqual(stream)).ShouldBeTrue($"{number} is another disk as a stream");
        }

        output.WriteLine($"{count} images from {First} on, of which {read} were read, in {Stopwatch.GetElapsedTime(start).TotalSeconds:0} s");
        read.ShouldBeInRange(count / 20, count - (count / 20), "a fuzzer whose images are all refused, or all sound, finds nothing");
    }

    private static async Task<byte[]?> TryReadAsync(byte[] bytes, bool canSeek, int number)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            return await ReadAsync(bytes, canSeek, $"{number}");
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
    private static async Task<byte[]?> ReadAsync(byte[] bytes, bool canSeek, string which)
    {
        MemoryImage image = new() { Bytes = bytes, CanSeek = canSeek };
        await using IImageReader reader = await new Qcow2Format().OpenLinkedAsync(image, default);
        long size = reader.VirtualSize.Bytes;
        bool inImage = reader is not ILinkedImageReader { Links: [{ Kind: ImageLinkKind.Data }, ..] };
        if (reader is ISeekableImageReader seekable && size > 0)
        {
            (await ((ISnapshotImageReader)reader).ListSnapshotsAsync(default)).Count.ShouldBeLessThanOrEqualTo(65536, which);
            ImageExtent last = await seekable.LookupAsync(size - 1, default);
            (last.GuestOffset + last.Length).ShouldBe(size, which);
        }

        byte[]? disk = size <= 4 << 20 ? new byte[size] : null;
        (long told, int extents) = (0, 0);
        await foreach (ImageExtent extent in reader.ReadExtentsAsync(default))
        {
            Require(extent.Length > 0 && extent.GuestOffset >= 0 && extent.GuestOffset <= size - extent.Length, which, "a part of the disk that is none");
            Require(!canSeek || extent.GuestOffset == told, which, "the disk out of order");
            told += extent.Length;
            if (extent.Kind == ExtentKind.Data && inImage && extent.SourceLength < bytes.Length + 512 && extent.Length <= 4 << 20)
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

    private static async Task DecodeAsync(MemoryImage image, IImageReader reader, ImageExtent extent, byte[]? disk)
    {
        byte[] source = new byte[extent.SourceLength];
        int read = await image.ReadAsync(extent.SourceOffset, source, default);
        reader.Decode(extent, source.AsSpan(0, read), disk is null ? new byte[extent.Length] : disk.AsSpan((int)extent.GuestOffset, (int)extent.Length));
    }

    private static void Require(bool holds, string which, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"{which}: told {what}");
        }
    }
}
