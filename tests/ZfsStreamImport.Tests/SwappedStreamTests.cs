using EveStorage.ZfsStreamImport;

namespace EveStorage.Tests;

/// <summary>Streams of a sender of the other byte order. None was to be had: these are real ones, swapped field by field.</summary>
public sealed class SwappedStreamTests
{
    [Theory]
    [InlineData("vol-lz4-16k.plain.zs")]
    [InlineData("vol-lz4-16k.c.zs")]
    [InlineData("vol-zstd-16k.c.zs")]
    [InlineData("vol-gzip-16k.c.zs")]
    [InlineData("vol-lzjb-16k.c.zs")]
    [InlineData("vol-zle-16k.c.zs")]
    [InlineData("vol-lz4-128k.plain.zs")]
    [InlineData("vol-off-dense.plain.zs")]
    public async Task It_replays_to_what_the_one_in_our_order_does(string name)
    {
        RealStream stream = RealStreams.Named(name);
        byte[] swapped = SwappedStream.Of(stream.Bytes);

        (await Replay.DigestAsync(swapped)).ShouldBe(stream.Content);

        await using IImageReader reader = await new ZfsStreamFormat().OpenAsync(new MemorySource(swapped), default);
        await using IImageReader ours = await new ZfsStreamFormat().OpenAsync(new MemorySource(stream.Bytes), default);
        reader.Details["byte order"].ShouldBe("big-endian");
        reader.Details["guids"].ShouldBe(ours.Details["guids"]);
        reader.Details["records"].ShouldBe(ours.Details["records"]);
    }

    [Fact]
    public async Task One_goes_on_from_one_in_our_order()
        => (await Replay.DigestAsync(RealStreams.Bytes("vol-inc.full.zs"), SwappedStream.Of(RealStreams.Bytes("vol-inc.i12.zs")), RealStreams.Bytes("vol-inc.i23.c.zs")))
            .ShouldBe(RealStreams.Named("vol-inc.i23.c.zs").Content);

    [Fact]
    public async Task A_flipped_byte_of_it_is_refused()
    {
        byte[] swapped = SwappedStream.Of(RealStreams.Bytes("vol-lz4-16k.plain.zs"));
        swapped[5000] ^= 1;

        (await Should.ThrowAsync<StorageException>(() => Replay.DiskAsync(swapped))).Message.ShouldContain("checksum");
    }
}
