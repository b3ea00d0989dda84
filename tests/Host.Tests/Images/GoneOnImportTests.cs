using System.Globalization;
using EveStorage.Host.Images;
using EveStorage.Host.Worker;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>
/// The corpus of sound images, gone on with from any place of their disks, in a volume as a crash leaves it: whole up to that place, and
/// behind it what had been written by then, or not.
/// </summary>
public sealed class GoneOnImportTests(ITestOutputHelper output) : IAsyncDisposable
{
    private const int Block = 64 << 10;

    private readonly TestEngine _host = new(images: true);
    private readonly Random _random = new(23);

    // EVESTORAGE_LONG=1 takes all of it, from several places.
    private static bool IsLong { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Each_is_whole_then_and_what_lies_before_that_place_is_not_written_again()
    {
        ImageConversion images = TestConversion.Of(_host);
        int count = 0;
        foreach ((CorpusImage image, int number) in new ValidCorpus(_host.Bases).All().Select((image, number) => (image, number)).Where(one => IsLong || one.number % 8 == 3))
        {
            string path = _host[$"{number}.qcow2"];
            await image.MakeAsync(path);
            string[] snapshot = image.Snapshot is string name ? ["-l", $"snapshot.name={name}"] : [];
            await QemuImages.RunAsync("qemu-img", ["convert", "-f", "qcow2", "-O", "raw", .. snapshot, path, _host["expected"]]);
            for (int place = 0; place < (IsLong ? 4 : 1); place++, count++)
            {
                await GoOnAsync(images, path, image);
            }
        }

        output.WriteLine($"gone on {count} times");
    }

    private async Task GoOnAsync(ImageConversion images, string path, CorpusImage image)
    {
        long size = new FileInfo(_host["expected"]).Length;
        long from = _random.NextInt64((size / 512) + 1) * 512;
        using SafeFileHandle file = File.OpenHandle(path);
        using SafeFileHandle volume = LeftByCrash(size, from);
        await using ImageInput input = new(file, "disk.img");
        ImageQuestion question = new() { Format = "qcow2", Snapshot = image.Snapshot };
        await images.GlanceAsync(input, question, TestContext.Current.CancellationToken);
        ImportOrder order = new() { VolumeSize = new(size), WriteBudget = new(size), ReadsZero = true, From = new(from), Marks = true };

        (ImportResult result, _) = await images.ImportAsync(input, question, volume, null, order, static _ => { }, static _ => { }, TestContext.Current.CancellationToken);

        string which = string.Create(CultureInfo.InvariantCulture, $"{image.Name}, from {from} on");
        result.Written.Bytes.ShouldBeLessThanOrEqualTo(size - from + (2 << 20), which);   // a cluster, or what is decoded with it, once more
        await QemuImages.RunAsync("qemu-img", "compare", "-f", "raw", "-F", "raw", _host["volume"], _host["expected"]);
    }

    private SafeFileHandle LeftByCrash(long size, long from)
    {
        SafeFileHandle volume = File.OpenHandle(_host["volume"], FileMode.Create, FileAccess.ReadWrite);
        RandomAccess.SetLength(volume, size);
        using SafeFileHandle expected = File.OpenHandle(_host["expected"]);
        byte[] block = new byte[Block];
        for (long at = 0, next; at < size; at = next)
        {
            next = Math.Min(size, at < from ? Math.Min(from, at + Block) : at + Block);
            Span<byte> bytes = block.AsSpan(0, (int)(next - at));
            RandomAccess.Read(expected, bytes, at);
            if ((at < from || _random.Next(2) == 0) && bytes.ContainsAnyExcept((byte)0))
            {
                RandomAccess.Write(volume, bytes, at);
            }
        }

        return volume;
    }
}
