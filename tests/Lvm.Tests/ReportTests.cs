using System.Text.Json;
using EveStorage.Lvm;

namespace EveStorage.Tests;

/// <summary>What LVM 2.03.16 printed in the lab, to the very words of <see cref="LvmTools"/>. The transactions and origins were added by hand, as it prints them.</summary>
public class ReportTests
{
    [Fact]
    public void Logical_volumes_are_read()
    {
        IReadOnlyList<LogicalVolume> all = [.. Read("lvs.json", "lv").Select(LogicalVolume.Read)];

        LogicalVolume pool = all.Single(lv => lv.Name == "Thinpool");
        pool.MetadataSize.ShouldBe(ByteSize.MiB(4));
        pool.DataPercent!.Value.ShouldBe(0.02, tolerance: 0.05);
        pool.IsThin.ShouldBeFalse();
        LogicalVolume volume = all.Single(lv => lv.Name == "vm+1");
        volume.Size.ShouldBe(ByteSize.GiB(1));
        volume.ThinId.ShouldBe(1);
        volume.Transaction.ShouldBe(0);
        volume.IsActive.ShouldBeTrue();
        volume.Tags.IsOurs.ShouldBeTrue();
        LogicalVolume snapshot = all.Single(lv => lv.Name.StartsWith("Frozen.", StringComparison.Ordinal));
        snapshot.IsActive.ShouldBeFalse();
        snapshot.IsOpen.ShouldBeFalse();
        snapshot.Tags.Label.ShouldBe("before");
        snapshot.Origin.ShouldBe("vm+1");
        all.Where(lv => !lv.IsPublic).Select(lv => lv.Name).ShouldBe(["lvol0_pmspare", "Thinpool_tdata", "Thinpool_tmeta"], ignoreOrder: true);
    }

    [Fact]
    public void A_redundant_pool_is_read_with_what_it_does()
    {
        IReadOnlyList<LogicalVolume> all = [.. Read("lvs-raid1-missing.json", "lv").Select(LogicalVolume.Read)];

        all.Where(lv => lv.SyncAction.Length > 0).Select(lv => lv.Name).ShouldBe(["Records", "Thinpool_tdata", "Thinpool_tmeta"], ignoreOrder: true);
        all.Single(lv => lv.Name == "Thinpool_tdata").Health.ShouldBe("partial");
    }

    [Fact]
    public void Drives_are_read_with_the_group_they_are_of_and_whether_they_are_missing()
    {
        IReadOnlyList<PhysicalVolume> drives = [.. Read("pvs-missing.json", "pv").Select(PhysicalVolume.Read)];

        drives.Count.ShouldBe(2);
        drives.ShouldAllBe(drive => drive.Group == "evestorage-raid" && drive.GroupTags.IsOurs);
        drives.Count(drive => drive.IsMissing).ShouldBe(1);
        drives.Single(drive => drive.IsMissing).Tags["drive"].ShouldNotBeNull();
    }

    [Fact]
    public void A_group_is_read_with_what_it_has_free()
    {
        GroupFacts group = GroupFacts.Read(Read("vgs.json", "vg").Single());

        group.Name.ShouldBe("evestorage-one");
        group.Extent.ShouldBe(ByteSize.MiB(1));
        group.Tags["pool"].ShouldBe("one");
        group.Free.ShouldBeLessThan(group.Size);
        PoolShape.Read(group.Tags, group.Name).ShouldBe(new PoolShape(PoolRedundancy.None, LvmProvisioning.Thin, 1, 1));
    }

    // LVM 2.03.16 after lvextend --poolmetadatasize, and before lvextend of the pool itself.
    [Fact]
    public void A_drive_that_has_metadata_of_a_thin_pool_alone_was_not_given_to_its_data()
    {
        IReadOnlyList<string> extents = VolumeGroup.ExtentsOf(LvName.ThinPoolData, Read("segments.json", "seg"));

        extents.ShouldBe(["/dev/vdb:1-56"]);
        (VolumeGroup.AreOn(extents, "/dev/vdb"), VolumeGroup.AreOn(extents, "/dev/vdc"), VolumeGroup.AreOn(extents, "/dev/vd")).ShouldBe((true, false, false));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"report":[{}]}""")]
    [InlineData("""{"report":[{"vg":[]}]}""")]
    [InlineData("""{"report":[{"lv":[7]}]}""")]
    [InlineData("""[]""")]
    public void What_is_no_report_is_refused(string text)
    {
        using JsonDocument document = JsonDocument.Parse(text);

        Should.Throw<StorageException>(() => LvmRow.Read(document, "lv")).Kind.ShouldBe(StorageErrorKind.Io);
    }

    [Fact]
    public void A_field_that_a_report_lacks_is_refused()
    {
        using JsonDocument document = JsonDocument.Parse("""{"report":[{"lv":[{"lv_name":"a"}]}]}""");

        Should.Throw<StorageException>(() => LogicalVolume.Read(LvmRow.Read(document, "lv")[0])).Message.ShouldBe("lvm: reports no lv_size");
    }

    private static IReadOnlyList<LvmRow> Read(string file, string kind)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Fixtures", file)));
        return LvmRow.Read(document, kind);
    }
}
