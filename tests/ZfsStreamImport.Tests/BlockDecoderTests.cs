using CsCheck;
using EveStorage.ZfsStreamImport;

namespace EveStorage.Tests;

public sealed class BlockDecoderTests
{
    // Runs of zeros, of one byte, of a short period and of no order: what each compression lives of.
    private static readonly Gen<byte[]> s_block = Gen.Select(Gen.Int[0, 3], Gen.Int[1, 700], Gen.Int[0, 255], Gen.Int)
        .Select((kind, length, value, seed) => kind switch
        {
            0 => new byte[length],
            1 => [.. Enumerable.Repeat((byte)value, length)],
            2 => [.. Enumerable.Range(0, length).Select(i => (byte)(i % (1 + (value % 17))))],
            _ => RandomBytes(length, seed),
        })
        .List[1, 12].Select(parts => parts.SelectMany(part => part).ToArray()).Where(block => block.Length >= 512);

    public static TheoryData<byte> Compressions => [.. BlockEncoders.All.Keys];

    [Theory]
    [MemberData(nameof(Compressions))]
    public void What_is_encoded_decodes_to_itself_whatever_pads_it(byte compression)
        => s_block.Sample(block =>
        {
            using BlockDecoder decoder = new("volume.zs");
            byte[] encoded = [.. BlockEncoders.All[compression](block), .. new byte[40]];

            return Decode(decoder, compression, encoded, block.Length).AsSpan().SequenceEqual(block);
        }, iter: 300);

    [Theory]
    [MemberData(nameof(Compressions))]
    public void Hostile_bytes_fill_the_block_or_are_corrupt(byte compression)
        => Gen.Select(s_block, Gen.Select(Gen.Int[0, 8000], Gen.Byte).Array[0, 8], Gen.Int[0, 8000], Gen.Int[512, 9000]).Sample((block, damage, cut, length) =>
        {
            using BlockDecoder decoder = new("volume.zs");
            byte[] encoded = BlockEncoders.All[compression](block);
            foreach ((int at, byte value) in damage)
            {
                encoded[at % encoded.Length] = value;
            }

            return DecodesOrRefuses(decoder, compression, encoded[..Math.Max(1, Math.Min(cut, encoded.Length))], length);
        }, iter: 1000);

    [Theory]
    [MemberData(nameof(Compressions))]
    public void Random_bytes_fill_the_block_or_are_corrupt(byte compression)
        => Gen.Select(Gen.Byte.Array[1, 600], Gen.Int[512, 9000]).Sample((bytes, length) =>
        {
            using BlockDecoder decoder = new("volume.zs");
            return DecodesOrRefuses(decoder, compression, bytes, length);
        }, iter: 1000);

    [Theory]
    [MemberData(nameof(Compressions))]
    public void A_block_is_never_longer_nor_shorter_than_its_record_says(byte compression)
    {
        using BlockDecoder decoder = new("volume.zs");
        byte[] encoded = BlockEncoders.All[compression](RandomBytes(4096, 1));

        Should.Throw<StorageException>(() => Decode(decoder, compression, encoded, 8192)).Kind.ShouldBe(StorageErrorKind.Corrupt);
    }

    [Theory]
    [InlineData(new byte[] { 0x40, 1, 2, 3, 4 }, 4, true)]
    [InlineData(new byte[] { 0x40, 1, 2, 3, 4 }, 5, false)]   // too short
    [InlineData(new byte[] { 0x40, 1, 2, 3, 4 }, 3, false)]   // too long
    [InlineData(new byte[] { 0x10, 7, 0, 0, 0x00 }, 5, false)]   // a match at no distance
    [InlineData(new byte[] { 0x10, 7, 2, 0, 0x00 }, 5, false)]   // a match before the block
    [InlineData(new byte[] { 0x10, 7, 1, 0, 0x00 }, 5, true)]
    [InlineData(new byte[] { 0x1F, 7, 1, 0, 255, 255 }, 600, false)]   // a length that does not end
    [InlineData(new byte[] { 0xF0 }, 16, false)]
    [InlineData(new byte[] { 0x10, 7, 1 }, 5, false)]
    [InlineData(new byte[0], 1, false)]
    public void An_LZ4_block_is_taken_or_refused_as_its_format_has_it(byte[] source, int length, bool taken)
        => Lz4Block.TryDecode(source, new byte[length]).ShouldBe(taken);

    [Fact]
    public void An_LZ4_length_that_is_added_up_without_end_is_refused()
        => Lz4Block.TryDecode([0xF0, .. Enumerable.Repeat((byte)255, 1 << 20), 0], new byte[1 << 20]).ShouldBeFalse();

    [Fact]
    public void What_inflates_without_end_stops_at_the_block()
    {
        using BlockDecoder decoder = new("volume.zs");
        byte[] bomb = BlockEncoders.Zstd(new byte[50 << 20]);
        byte[] gzip = BlockEncoders.Gzip(new byte[50 << 20]);
        long before = GC.GetAllocatedBytesForCurrentThread();

        Should.Throw<StorageException>(() => Decode(decoder, 16, bomb, 65536)).Kind.ShouldBe(StorageErrorKind.Corrupt);
        Decode(decoder, 8, gzip, 65536).ShouldAllBe(value => value == 0);

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(8 << 20);
    }

    private static bool DecodesOrRefuses(BlockDecoder decoder, byte compression, byte[] encoded, int length)
    {
        try
        {
            return Decode(decoder, compression, encoded, length).Length == length;
        }
        catch (StorageException e)
        {
            return e.Kind == StorageErrorKind.Corrupt;
        }
    }

    // Through a record, as a reader does; where a decoder stops must be within the target, which a guard follows.
    private static byte[] Decode(BlockDecoder decoder, byte compression, byte[] encoded, int length)
    {
        StreamRecord record = RecordOf(compression, encoded.Length, length);
        byte[] target = [.. Enumerable.Repeat((byte)0xA5, length + 64)];
        decoder.Decode(record, encoded, target.AsSpan(0, length));
        target.AsSpan(length).ContainsAnyExcept((byte)0xA5).ShouldBeFalse();
        return target[..length];
    }

    // One whose compressed size is as long as its block: a sender's never is longer.
    private static StreamRecord RecordOf(byte compression, int encoded, int decoded)
    {
        StreamBuilder builder = new(bigEndian: false);
        builder.Write(0, new byte[4], compression, decoded);
        StreamRecord record = StreamRecord.Parse(new(builder.Bytes.AsSpan(0, RecordView.Length), swapped: false), "volume.zs");
        return record with { EncodedLength = encoded };
    }

    private static byte[] RandomBytes(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
