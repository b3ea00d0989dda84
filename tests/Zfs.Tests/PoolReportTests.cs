using EveStorage.Zfs;

namespace EveStorage.Tests;

/// <summary>What `zpool status` of OpenZFS 2.3 printed in the lab, as JSON and as text.</summary>
public class PoolReportTests
{
    [Fact]
    public void A_healthy_pool_is_read_with_its_groups_and_drives()
    {
        PoolReport report = Json("mirrors");

        report.State.ShouldBe("ONLINE");
        report.Groups.Select(group => group.Type).ShouldBe(["mirror", "mirror"]);
        report.Drives.Select(drive => drive.Path).ShouldBe(["/dev/vdb1", "/dev/vdc1", "/dev/vdd1", "/dev/vde1"]);
        report.Drives.ShouldAllBe(drive => drive.Type == "disk" && drive.State == "ONLINE" && !drive.Failures.Any);
        report.Errors.ShouldBe(0);
        report.Scan.ShouldBeNull();
        report.IsRebuilding.ShouldBeFalse();
    }

    [Fact]
    public void A_drive_that_is_out_of_use_is_read()
    {
        PoolReport report = Json("degraded");

        report.State.ShouldBe("DEGRADED");
        report.Drives.Single(drive => drive.State == "OFFLINE").Path.ShouldBe("/dev/vdb1");
    }

    [Fact]
    public void A_scrub_and_a_resilver_are_told_apart()
    {
        (Json("scrubbed").Scan! with { Ended = null }).ShouldBe(new PoolScan(IsResilver: false, IsRunning: false, null, 0));
        (Json("resilvered").Scan! with { Ended = null }).ShouldBe(new PoolScan(IsResilver: true, IsRunning: false, null, 0));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"pools":{}}""")]
    [InlineData("""{"pools":{"tank":{"state":"ONLINE"}}}""")]
    [InlineData("""{"pools":{"tank":{"state":7,"vdevs":{"tank":{}}}}}""")]
    [InlineData("no pools available")]
    public void What_is_no_status_is_refused(string printed)
    {
        Should.Throw<StorageException>(() => PoolReportJson.Read(printed, "tank")).Kind.ShouldBe(StorageErrorKind.Io);
        Should.Throw<StorageException>(() => PoolReportText.Read(printed, printed, "tank")).Kind.ShouldBe(StorageErrorKind.Io);
    }

    [Fact]
    public void Every_truncation_of_a_status_is_read_or_refused()
    {
        string json = Fixture("degraded.json");
        string text = Fixture("checksums.txt");
        for (int length = 0; length < json.Length; length++)
        {
            Refused(() => PoolReportJson.Read(json[..length], "tank"));
        }

        for (int length = 0; length < text.Length; length++)
        {
            Refused(() => PoolReportText.Read(text[..length], text[..length], "tank"));
        }
    }

    [Fact]
    public void Text_is_read_as_JSON_is()
    {
        PoolReport report = Text("checksums", "checksums");

        report.State.ShouldBe("ONLINE");
        report.Groups.Select(group => group.Type).ShouldBe(["mirror", "mirror"]);
        report.Drives.Select(drive => drive.Name).ShouldBe(["vdf", "vdc", "vdd", "vde"]);
        report.Drives.Single(drive => drive.Failures.Any).Failures.ShouldBe(new VdevFailures(0, 0, 12));
        (report.Scan! with { Ended = null }).ShouldBe(new PoolScan(IsResilver: false, IsRunning: false, null, 0));
        report.Errors.ShouldBe(0);
    }

    [Fact]
    public void Text_has_drives_that_replace_each_other_and_how_far_that_is()
    {
        PoolReport report = Text("replacing", "replacing");

        report.IsReplacing.ShouldBeTrue();
        report.Drives.Count().ShouldBe(5);
        report.Groups[0].Below[0].Below.Select(drive => drive.Name).ShouldBe(["vdb", "vdf"]);
        report.Scan.ShouldBe(new PoolScan(IsResilver: true, IsRunning: true, 100, 0));
    }

    [Theory]
    [InlineData("UNAVAIL", "vdf")]
    [InlineData("REMOVED", "vdf")]
    [InlineData("ONLINE", null)]
    public void A_drive_that_was_to_replace_another_and_answers_no_more_is_known_by_its_place(string state, string? found)
    {
        PoolReport report = Text("replacing", "replacing");
        Vdev old = report.Groups[0].Below[0].Below[0];
        Vdev replacing = report.Groups[0].Below[0] with { Below = [old, report.Groups[0].Below[0].Below[1] with { State = state }] };
        report = report with { Groups = [report.Groups[0] with { Below = [replacing, .. report.Groups[0].Below.Skip(1)] }] };

        ReplaceDrive.LostBeside(report, old)?.Name.ShouldBe(found);
        (ReplaceDrive.LostBeside(report, old) is null).ShouldBe(found is null);
        ReplaceDrive.LostBeside(report, report.Groups[0].Below[1]).ShouldBeNull("it is not being replaced");
    }

    private static void Refused(Func<PoolReport> read)
    {
        try
        {
            read().ShouldNotBeNull();
        }
        catch (StorageException e)
        {
            e.Kind.ShouldBe(StorageErrorKind.Io);
        }
    }

    private static PoolReport Json(string name) => PoolReportJson.Read(Fixture($"{name}.json"), "tank");

    private static PoolReport Text(string withPaths, string withIds) => PoolReportText.Read(Fixture($"{withPaths}.txt"), Fixture($"{withIds}.txt"), "tank");

    private static string Fixture(string file) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Fixtures", file));
}
