using CsCheck;
using EveStorage.ZfsStreamImport;

namespace EveStorage.Tests;

/// <summary>Streams of the tests' own making, against a model: a disk on which each is applied after the other.</summary>
public sealed class ChainTests
{
    private const int Blocks = 64;
    private const int BlockSize = StreamBuilder.BlockSize;

    // What a stream says of one block: nothing, that it is free, or a content in a compression.
    private static readonly byte[] s_compressions = [0, .. BlockEncoders.All.Keys];
    private static readonly Gen<(int Block, int Says, int Seed)[]> s_stream = Gen.Select(Gen.Int[0, Blocks - 1], Gen.Int[-1, s_compressions.Length], Gen.Int[0, 1000]).Array[0, 40];

    [Fact]
    public Task A_chain_replays_to_what_applying_each_stream_after_the_other_makes()
        => Gen.Select(s_stream.Array[1, 6], Gen.Int[0, Blocks], Gen.Bool).SampleAsync(async (streams, tail, bigEndian) =>
        {
            byte[] model = new byte[Blocks * BlockSize];
            List<byte[]> chain = [];
            for (int i = 0; i < streams.Length; i++)
            {
                (int Block, int Says, int Seed)[] said = [.. streams[i].DistinctBy(s => s.Block).OrderBy(s => s.Block)];
                bool frees = i > 0 && tail < Blocks;
                chain.Add(StreamBuilder.Volume((ulong)i + 1, (ulong)i, (ulong)model.Length, builder => Say(builder, said, frees ? tail : Blocks), bigEndian != (i % 2 == 1)));
                model.AsSpan((frees ? tail : Blocks) * BlockSize).Clear();
                Apply(model, said);
            }

            (await Replay.DiskAsync([.. chain])).ShouldBe(model);
        }, iter: 300);

    [Fact]
    public async Task A_size_that_a_later_stream_changed_counts_and_what_it_freed_is_zero()
    {
        byte[] block = [.. Enumerable.Repeat((byte)7, BlockSize)];
        byte[] first = StreamBuilder.Volume(1, 0, 4 * BlockSize, builder => builder.Write(3 * BlockSize, block));
        byte[] shrunk = StreamBuilder.Volume(2, 1, 2 * BlockSize, builder => builder.Free(2 * BlockSize, ulong.MaxValue));
        byte[] grown = StreamBuilder.Volume(3, 2, 8 * BlockSize, builder => builder.Free(4 * BlockSize, ulong.MaxValue));

        (await Replay.DiskAsync(first)).AsSpan(3 * BlockSize).ToArray().ShouldBe(block);
        (await Replay.DiskAsync(first, shrunk)).ShouldBe(new byte[2 * BlockSize]);
        (await Replay.DiskAsync(first, shrunk, grown)).ShouldBe(new byte[8 * BlockSize]);
    }

    [Fact]
    public async Task Large_blocks_that_a_later_stream_splits_are_replaced_in_parts_while_they_are_not_compressed()
    {
        byte[] large = RandomBytes(1 << 20, 1);
        byte[] part = RandomBytes(128 << 10, 2);
        byte[] full = StreamBuilder.Volume(1, 0, 1 << 20, builder => builder.Write(0, large), features: 1 << 19);
        byte[] next = StreamBuilder.Volume(2, 1, 1 << 20, builder => builder.Write(256 << 10, part));
        byte[] compressed = StreamBuilder.Volume(1, 0, 1 << 20, builder => builder.Write(0, StreamBuilder.Padded(BlockEncoders.Zstd(new byte[1 << 20]), 512), 16, 1 << 20), features: 1 << 19);
        part.CopyTo(large, 256 << 10);

        (await Replay.DiskAsync(full, next)).ShouldBe(large);
        (await Should.ThrowAsync<StorageException>(() => Replay.DiskAsync(compressed, next))).Message.ShouldContain("a part of the compressed block");
    }

    [Fact]
    public async Task An_embedded_block_is_zero_behind_what_it_holds()
    {
        byte[] held = [.. Enumerable.Repeat((byte)9, 512)];
        byte[] stream = StreamBuilder.Volume(1, 0, 2 * BlockSize, builder =>
        {
            builder.Embedded(0, BlockSize, BlockEncoders.Lz4(held), 15, held.Length);
            builder.Embedded(BlockSize, BlockSize, held[..100], 2, 100);
        });

        byte[] disk = await Replay.DiskAsync(stream);

        disk[..512].ShouldBe(held);
        disk[512..BlockSize].ShouldAllBe(value => value == 0);
        disk[BlockSize..(BlockSize + 100)].ShouldBe(held[..100]);
        disk[(BlockSize + 100)..].ShouldAllBe(value => value == 0);
    }

    [Theory]
    [InlineData(1UL << 0, "is deduplicated")]
    [InlineData(1UL << 1, "is deduplicated")]
    [InlineData(1UL << 20, "goes on with a stream that was cut")]
    [InlineData(1UL << 21, "is redacted")]
    [InlineData(1UL << 24, "is raw")]
    [InlineData(1UL << 30, "unknown features 0x40000000")]
    public async Task A_feature_that_a_replay_lacks_is_refused_by_name(ulong features, string sentence)
        => await RequireRefusedAsync(StreamBuilder.Volume(1, 0, BlockSize, static _ => { }, features: features), sentence);

    [Theory]
    [InlineData(6u, "is deduplicated")]
    [InlineData(7u, "spill blocks")]
    [InlineData(9u, "spill blocks or ranges")]
    [InlineData(10u, "is redacted")]
    public async Task A_record_that_a_replay_lacks_is_refused_by_name(uint type, string sentence)
        => await RequireRefusedAsync(StreamBuilder.Volume(1, 0, BlockSize, builder => builder.Record(type, static _ => { })), sentence);

    [Fact]
    public async Task A_second_volume_a_gap_and_a_volume_that_is_freed_are_refused()
    {
        byte[] first = StreamBuilder.Volume(1, 0, BlockSize, static _ => { });

        await RequireRefusedAsync([.. first, .. StreamBuilder.Volume(2, 0, BlockSize, static _ => { })], "has a second volume or file system in it, tank/vol@2");
        await RequireRefusedAsync([.. first, .. StreamBuilder.Volume(3, 2, BlockSize, static _ => { })], "after that with 0x0000000000000001");
        await RequireRefusedAsync(StreamBuilder.Volume(1, 0, BlockSize, static builder => builder.FreeObjects(1, 1)), "frees the volume itself");
    }

    private static async Task RequireRefusedAsync(byte[] stream, string sentence)
    {
        StorageException refused = await Should.ThrowAsync<StorageException>(() => Replay.DiskAsync(stream));
        refused.Kind.ShouldBe(StorageErrorKind.NotSupported);
        refused.Message.ShouldContain(sentence);
        refused.Message.ShouldContain("ZFS pool");
    }

    private static void Say(StreamBuilder builder, (int Block, int Says, int Seed)[] said, int tail)
    {
        builder.Free(tail * BlockSize, ulong.MaxValue);
        foreach ((int block, int says, int seed) in said)
        {
            if (says == s_compressions.Length)
            {
                builder.Free(block * BlockSize, BlockSize);
            }
            else if (says >= 0)
            {
                byte[] content = ContentOf(seed);
                byte compression = s_compressions[says];
                byte[] payload = compression == 0 ? content : StreamBuilder.Padded(BlockEncoders.All[compression](content), 512);
                bool shorter = payload.Length < content.Length;
                builder.Write(block * BlockSize, shorter ? payload : content, shorter ? compression : (byte)0, BlockSize);
            }
        }

        builder.Free(2048, 512, id: 2);
        builder.FreeObjects(3, 29);
    }

    private static void Apply(byte[] model, (int Block, int Says, int Seed)[] said)
    {
        foreach ((int block, int says, int seed) in said.Where(s => s.Says >= 0))
        {
            (says == s_compressions.Length ? new byte[BlockSize] : ContentOf(seed)).CopyTo(model.AsSpan(block * BlockSize));
        }
    }

    // Of no order, in runs, or zero.
    private static byte[] ContentOf(int seed)
        => (seed % 3) switch
        {
            0 => RandomBytes(BlockSize, seed),
            1 => [.. Enumerable.Range(0, BlockSize).Select(i => (byte)(i / 64 * seed))],
            _ => new byte[BlockSize],
        };

    private static byte[] RandomBytes(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
