using CsCheck;
using EveStorage.Lvm;

namespace EveStorage.Tests;

public class LvNameTests
{
    private const string Allowed = "abcdefghijklmnopqrstuvwxyz0123456789._-";

    // lvm(8), "Valid names": reserved at the beginning, and reserved anywhere.
    private static readonly string[] s_beginnings = ["snapshot", "pvmove", "lvol"];
    private static readonly string[] s_parts =
    [
        "_cdata", "_cmeta", "_corig", "_imeta", "_iorig", "_mimage", "_mlog", "_pmspare", "_rimage", "_rmeta", "_tdata", "_tmeta", "_vorigin", "_vdata", "_cvol", "_wcorig",
    ];

    // Names like those that people give, and those that LVM keeps for itself.
    private static readonly Gen<VolumeName> s_names = Gen.OneOf(
            Gen.String[Gen.Char[Allowed], 1, 63],
            Gen.Select(One([.. s_beginnings, "vm", "a_"]), One([.. s_parts, "-1", "__", "--", "_-_", ""]), Gen.String[Gen.Char[Allowed], 0, 20], (a, b, c) => a + b + c))
        .Where(text => VolumeName.TryParse(text, out _))
        .Select(text => new VolumeName(text));

    [Fact]
    public void A_name_comes_back_from_its_logical_volume()
        => s_names.Sample(name => LvName.Parse(LvName.Of(name)) == name);

    [Fact]
    public void Two_names_are_two_logical_volumes()
        => Gen.Select(s_names, s_names).Sample((a, b) => a == b || LvName.Of(a) != LvName.Of(b));

    [Fact]
    public void No_logical_volume_has_a_name_that_lvm_keeps_for_itself()
        => s_names.Sample(name =>
        {
            string lv = LvName.Of(name);
            return !s_beginnings.Any(word => lv.StartsWith(word, StringComparison.Ordinal)) && !s_parts.Any(part => lv.Contains(part, StringComparison.Ordinal));
        });

    [Fact]
    public void A_name_keeps_its_length_and_nothing_in_it_is_doubled_by_device_mapper()
        => s_names.Sample(name => LvName.Of(name).Length == name.ToString().Length && DeviceMapper.Escape(LvName.Of(name)) == LvName.Of(name));

    [Theory]
    [InlineData("Records")]
    [InlineData("Thinpool")]
    [InlineData("Metadata")]
    [InlineData("lvol0_pmspare")]
    [InlineData("vm-1")]
    public void What_is_no_volume_of_ours_has_no_volume_name(string logicalVolume) => LvName.Parse(logicalVolume).ShouldBeNull();

    [Fact]
    public void A_snapshot_and_what_a_rollback_makes_are_no_volumes()
    {
        Guid id = Guid.NewGuid();

        ((VolumeName?[])[LvName.Parse(LvName.OfSnapshot(id)), LvName.Parse(LvName.Incoming(id)), LvName.Parse(LvName.Outgoing(id))]).ShouldAllBe(name => name == null);
    }

    [Fact]
    public void The_device_of_every_volume_fits_into_device_mappers_names()
    {
        string group = new('g', LvName.MaxGroupLength);
        string device = DeviceMapper.NameOf(group, LvName.Of(new(new string('a', VolumeName.MaxLength))));

        LvmOptionsValidator.WhyNoGroup(group).ShouldBeNull();
        LvmOptionsValidator.WhyNoGroup($"{group}g").ShouldNotBeNull();
        (device.Length + "_rimage_99_extracted".Length).ShouldBeLessThanOrEqualTo(DeviceMapper.MaxName);
    }

    private static Gen<string> One(string[] words) => Gen.Int[0, words.Length - 1].Select(at => words[at]);
}
