using System.Buffers.Binary;
using CsCheck;
using EveStorage.ZfsStreamImport;

namespace EveStorage.Tests;

public sealed class Fletcher4Tests
{
    [Fact]
    public void In_pieces_and_in_lanes_it_is_what_a_plain_loop_has()
        => Gen.Select(Gen.Byte.Array[0, 20_000], Gen.Int[0, 20_000], Gen.Bool).Sample((bytes, cut, swapped) =>
        {
            byte[] words = bytes[..(bytes.Length & ~3)];
            cut = Math.Min(cut, words.Length) & ~3;
            Fletcher4 sums = new(swapped);

            sums.Add(words.AsSpan(0, cut));
            sums.Add(words.AsSpan(cut));

            sums.Sums.ShouldBe(Plain(words, swapped));
        }, iter: 500);

    [Fact]
    public void Sums_of_many_words_wrap_around_as_they_do_in_C()
    {
        byte[] ones = new byte[16 << 20];
        ones.AsSpan().Fill(0xFF);
        Fletcher4 sums = new(swapped: false);

        sums.Add(ones);

        sums.Sums.ShouldBe(Plain(ones, swapped: false));
    }

    [Fact]
    public void A_part_of_a_word_is_a_fault_of_the_caller()
        => Should.Throw<ArgumentException>(() => new Fletcher4(swapped: false).Add(new byte[6]));

    private static Fletcher4Sums Plain(byte[] bytes, bool swapped)
    {
        (ulong a, ulong b, ulong c, ulong d) = (0, 0, 0, 0);
        for (int at = 0; at < bytes.Length; at += 4)
        {
            a += swapped ? BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at)) : BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));
            b += a;
            c += b;
            d += c;
        }

        return new(a, b, c, d);
    }
}
