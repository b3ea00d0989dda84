using CsCheck;
using EveStorage.Luks;

namespace EveStorage.Tests;

public class HeaderTests
{
    [Fact]
    public async Task A_header_of_which_any_byte_changed_is_whole_no_more()
    {
        using Below below = new();
        await below.FormatAsync();
        byte[] good = Head(below);

        // SHA-256 takes half of the room for a checksum; nothing checks the other half.
        foreach (int at in Enumerable.Range(0, 1024).Where(at => at is < 480 or >= 512))
        {
            byte[] changed = [.. good];
            changed[at] ^= 0xFF;

            // The second copy stands in for the first.
            LuksHeader.Find(changed).ShouldNotBeNull().IsWhole.ShouldBeTrue();
            LuksHeader.Find(changed.AsSpan(0, LuksHeader.CopyLength))?.IsWhole.ShouldBeFalse();
        }
    }

    [Fact]
    public async Task A_header_that_ends_anywhere_is_read_or_not_there()
    {
        using Below below = new();
        await below.FormatAsync();
        byte[] good = Head(below);

        for (int length = 0; length < good.Length; length += 97)
        {
            (LuksHeader.Find(good.AsSpan(0, length))?.IsWhole ?? false).ShouldBe(length >= LuksHeader.CopyLength);
        }
    }

    [Fact]
    public void Noise_is_no_header_of_ours()
        => Gen.Byte.Array[LuksHeader.CopiesLength].Sample(
            noise =>
            {
                "LUKS\u0000"u8[..4].CopyTo(noise);
                (noise[4], noise[5], noise[6], noise[7]) = (0xBA, 0xBE, 0, 2);
                return LuksHeader.Find(noise) is { Mark: null, IsWhole: false };
            },
            iter: 200);

    [Fact]
    public void The_first_version_is_found_and_is_not_ours()
    {
        byte[] head = new byte[LuksHeader.CopiesLength];
        byte[] one = [0x4C, 0x55, 0x4B, 0x53, 0xBA, 0xBE, 0, 1];
        one.CopyTo(head, 0);

        LuksHeader.Find(head).ShouldNotBeNull().ShouldSatisfyAllConditions(
            header => header.Version.ShouldBe(1),
            header => header.Mark.ShouldBeNull());
    }

    private static byte[] Head(Below below) => File.ReadAllBytes(below.Path)[..LuksHeader.CopiesLength];
}
