using EveStorage.ZfsStreamImport;

namespace EveStorage.Tests;

/// <summary>Streams that no sender writes, with right checksums: a person made them.</summary>
public sealed class HostileStreamTests
{
    private const int BlockSize = StreamBuilder.BlockSize;

    [Theory]
    [InlineData(3u, 32, 256UL, "a block of 256 bytes")]
    [InlineData(3u, 32, (16UL << 20) + 512, "a block of 16777728 bytes")]
    [InlineData(3u, 32, ulong.MaxValue, "a block of")]
    [InlineData(3u, 24, ulong.MaxValue - 100, "of an object")]
    [InlineData(3u, 24, (ulong)long.MaxValue, "of an object")]
    [InlineData(4u, 16, 1UL << 63, "of an object")]
    [InlineData(4u, 24, (1UL << 63) + 5, "of an object")]
    [InlineData(1u, 28, 1UL << 40, "a bonus of")]
    [InlineData(1u, 36, 1UL << 20, "a bonus of")]
    [InlineData(7u, 16, 1UL << 40, "a spill block of")]
    [InlineData(8u, 24, 1UL << 40, "an embedded block of")]
    [InlineData(8u, 52, 113UL, "an embedded block of 113 bytes")]
    [InlineData(8u, 48, 4097UL, "an embedded block of")]
    [InlineData(8u, 40, 99UL, "unknown compression 99")]
    [InlineData(8u, 41, 1UL, "unknown type 1")]
    [InlineData(3u, 50, 4UL, "unknown compression 4")]
    [InlineData(3u, 50, 17UL, "unknown compression 17")]
    [InlineData(11u, 0, 0UL, "unknown type 11")]
    [InlineData(0u, 8, 0UL, "begins another stream")]
    [InlineData(5u, 40, 77UL, "ends another stream")]
    public async Task A_record_that_no_sender_writes_is_corrupt(uint type, int at, ulong value, string sentence)
    {
        byte[] stream = StreamBuilder.Volume(1, 0, BlockSize, builder => builder.Record(type, record =>
        {
            // As sound as it can be, but for the one field.
            builder.U64(record, 8, 1);
            if (type is 3)
            {
                builder.U64(record, 32, BlockSize);
            }
            else if (type is 8)
            {
                builder.U64(record, 24, BlockSize);
                builder.U32(record, 48, 512);
                builder.U32(record, 52, 8);
            }

            if (at == 50 || (type == 8 && at is 40 or 41))
            {
                record[at] = (byte)value;
            }
            else if (at is 48 or 52 or 28 or 36)
            {
                builder.U32(record, at, (uint)Math.Min(value, uint.MaxValue));
            }
            else if (at > 0)
            {
                builder.U64(record, at, value);
            }
        }));

        await RequireCorruptAsync(stream, sentence);
    }

    [Fact]
    public async Task Data_that_goes_back_or_lies_over_other_data_is_corrupt()
    {
        byte[] block = new byte[BlockSize];
        block[0] = 1;

        await RequireCorruptAsync(StreamBuilder.Volume(1, 0, 8 * BlockSize, builder => { builder.Write(4 * BlockSize, block); builder.Write(0, block); }), "goes back");
        await RequireCorruptAsync(StreamBuilder.Volume(1, 0, 8 * BlockSize, builder => { builder.Write(0, block); builder.Write(512, block); }), "goes back");
        await RequireCorruptAsync(StreamBuilder.Volume(1, 0, 8 * BlockSize, builder => { builder.Write(0, block); builder.Free(0, ulong.MaxValue); }), "goes back");
    }

    [Theory]
    [InlineData(0UL, "impossible size")]
    [InlineData(ulong.MaxValue, "impossible size")]
    [InlineData(1000UL, "no whole sectors")]
    public async Task A_size_that_no_volume_has_is_refused(ulong size, string sentence)
        => (await Should.ThrowAsync<StorageException>(() => Replay.DiskAsync(StreamBuilder.Volume(1, 0, size, static _ => { })))).Message.ShouldContain(sentence);

    [Fact]
    public async Task A_compressed_block_beyond_the_volume_s_end_is_corrupt_and_never_written_there()
        => await RequireCorruptAsync(
            StreamBuilder.Volume(1, 0, 512, builder => builder.Write(0, StreamBuilder.Padded(BlockEncoders.Zle(new byte[BlockSize]), 512), 14, BlockSize)), "a part of the compressed block");

    [Fact]
    public async Task A_name_shows_nothing_that_a_terminal_would_obey()
    {
        byte[] stream = StreamBuilder.Volume(1, 0, BlockSize, static _ => { });
        "\e]0;owned\a\n"u8.CopyTo(stream.AsSpan(56));

        await using IImageReader reader = await new ZfsStreamFormat().OpenAsync(new MemorySource(stream), default);

        reader.Details["snapshot"].ShouldBe("?]0?owned??".Replace("]", "?", StringComparison.Ordinal));
        (await Should.ThrowAsync<StorageException>(() => Replay.DiskAsync(stream))).Message.ShouldContain("checksum");
    }

    [Fact]
    public async Task What_comes_after_the_end_has_to_be_another_stream()
        => await RequireCorruptAsync([.. StreamBuilder.Volume(1, 0, BlockSize, static _ => { }), .. new byte[400]], "something else where a stream begins");

    [Fact]
    public async Task A_record_without_a_checksum_is_refused()
    {
        byte[] stream = StreamBuilder.Volume(1, 0, BlockSize, static _ => { });
        stream.AsSpan(StreamBuilder.RecordLength + 280, 32).Clear();

        (await Should.ThrowAsync<StorageException>(() => Replay.DiskAsync(stream))).Message.ShouldContain("without a checksum");
    }

    [Fact]
    public async Task More_streams_than_are_gone_over_side_by_side_are_refused()
    {
        byte[][] chain = [.. Enumerable.Range(1, 1025).Select(i => StreamBuilder.Volume((ulong)i, (ulong)i - 1, BlockSize, static _ => { }))];

        (await Replay.DiskAsync(chain[..1024])).Length.ShouldBe(BlockSize);
        (await Should.ThrowAsync<StorageException>(() => Replay.DiskAsync(chain))).Message.ShouldContain("more than 1024 streams");
    }

    private static async Task RequireCorruptAsync(byte[] stream, string sentence)
    {
        StorageException refused = await Should.ThrowAsync<StorageException>(() => Replay.DiskAsync(stream));
        refused.Message.ShouldContain(sentence);
        refused.Kind.ShouldBe(StorageErrorKind.Corrupt);
    }
}
