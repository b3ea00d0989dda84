using EveStorage.RawImport;

namespace EveStorage.Tests;

public sealed class RawFormatTests
{
    [Fact]
    public void No_bytes_are_recognized_since_any_could_be_raw()
        => new RawFormat().Recognizes("QFI"u8).ShouldBeFalse();

    [Fact]
    public async Task What_lacks_of_the_last_sector_reads_as_zero()
    {
        await using IImageReader reader = await new RawFormat().OpenAsync(new SparseBytes(1000, new(0, 1000)), CancellationToken.None);
        byte[] target = [.. Enumerable.Repeat((byte)9, 1024)];

        ImageExtent extent = (await ExtentsAsync(reader)).ShouldHaveSingleItem();
        reader.Decode(extent, new byte[1000], target);

        extent.ShouldBe(new(0, 1024, ExtentKind.Data, 0, 1000, ExtentEncoding.Plain));
        target.ShouldAllBe(value => value == 0);
    }

    [Fact]
    public async Task A_source_s_holes_are_the_disk_s()
    {
        await using IImageReader reader = await new RawFormat().OpenAsync(new SparseBytes(1 << 20, new(65536, 4096)), CancellationToken.None);

        (await ExtentsAsync(reader)).Select(extent => (extent.GuestOffset, extent.Length, extent.Kind)).ShouldBe(
            [(0, 65536, ExtentKind.Hole), (65536, 4096, ExtentKind.Data), (69632, (1 << 20) - 69632, ExtentKind.Hole)]);
    }

    [Fact]
    public async Task A_source_without_a_length_is_refused()
        => (await Should.ThrowAsync<StorageException>(async () => await new RawFormat().OpenAsync(new SparseBytes(null, new(0, 1)), CancellationToken.None)))
            .Kind.ShouldBe(StorageErrorKind.NotSupported);

    private static async Task<List<ImageExtent>> ExtentsAsync(IImageReader reader)
    {
        List<ImageExtent> extents = [];
        await foreach (ImageExtent extent in reader.ReadExtentsAsync(CancellationToken.None))
        {
            extents.Add(extent);
        }

        return extents;
    }

    private sealed class SparseBytes(long? length, SourceRun data) : ISparseImageSource
    {
        public string Name => "disk.raw";

        public long? Length => length;

        public bool CanSeek => true;

        public ValueTask<int> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken) => new(destination.Length);

        public ValueTask<SourceRun?> FindDataAsync(long offset, CancellationToken cancellationToken)
        {
            long start = Math.Max(offset, data.Offset);
            long end = data.Offset + data.Length;
            return new(start < end ? new SourceRun(start, end - start) : null);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
