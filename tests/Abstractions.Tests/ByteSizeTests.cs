using System.ComponentModel;
using System.Globalization;
using CsCheck;

namespace EveStorage.Tests;

public class ByteSizeTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("512", 512)]
    [InlineData("512B", 512)]
    [InlineData("64KiB", 64L << 10)]
    [InlineData("64 MiB", 64L << 20)]
    [InlineData("20GiB", 20L << 30)]
    [InlineData("8388607TiB", 8388607L << 40)]
    [InlineData("10K", 10L << 10)]
    [InlineData("10M", 10L << 20)]
    [InlineData("10G", 10L << 30)]
    [InlineData("10T", 10L << 40)]
    public void A_size_is_read(string text, long bytes) => ByteSize.Parse(text, null).ShouldBe(new(bytes));

    [Theory]
    [InlineData("")]
    [InlineData("GiB")]
    [InlineData("-1")]
    [InlineData("1.5GiB")]
    [InlineData("1GB")]
    [InlineData("1gib")]
    [InlineData("1g")]
    [InlineData("0x10")]
    [InlineData("8388608TiB")]
    [InlineData("9223372036854775808")]
    public void What_is_not_exact_or_too_large_is_refused(string text)
    {
        ByteSize.TryParse(text, CultureInfo.InvariantCulture, out _).ShouldBeFalse();
        Should.Throw<FormatException>(() => ByteSize.Parse(text, CultureInfo.InvariantCulture));
    }

    [Fact]
    public void A_size_is_read_as_it_is_written()
        => Gen.OneOf(Gen.Long[0, long.MaxValue], Gen.Select(Gen.Long[0, 4096], Gen.Int[0, 40], (value, shift) => value << shift))
            .Sample(bytes => ByteSize.Parse(new ByteSize(bytes).ToString(), null) == new ByteSize(bytes));

    [Fact]
    public void Rounding_up_gives_the_smallest_multiple_that_holds_it()
        => Gen.Select(Gen.Long[0, 1L << 50], Gen.Long[1, 1L << 30]).Sample((bytes, unit) =>
        {
            long rounded = new ByteSize(bytes).RoundUpTo(new(unit)).Bytes;
            return rounded % unit == 0 && rounded >= bytes && rounded - bytes < unit;
        });

    [Fact]
    public void A_size_that_overflows_is_an_error_and_no_other_size()
    {
        Should.Throw<OverflowException>(() => ByteSize.GiB(1L << 40));
        Should.Throw<OverflowException>(() => new ByteSize(long.MaxValue).RoundUpTo(new(4096)));
        Should.Throw<ArgumentOutOfRangeException>(() => new ByteSize(1).RoundUpTo(new(0)));
    }

    [Fact]
    public void Sizes_are_ordered() => Gen.Select(Gen.Long, Gen.Long).Sample((a, b) =>
        new ByteSize(a) < new ByteSize(b) == a < b && new ByteSize(a) >= new ByteSize(b) == a >= b && new ByteSize(a).CompareTo(new(b)) == a.CompareTo(b));

    [Fact]
    public void Configuration_binds_it_from_text()
        => TypeDescriptor.GetConverter(typeof(ByteSize)).ConvertFromInvariantString("128KiB").ShouldBe(new ByteSize(128 << 10));
}
