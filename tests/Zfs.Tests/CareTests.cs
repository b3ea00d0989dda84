using EveStorage.Zfs;

namespace EveStorage.Tests;

/// <summary>What ZFS says of trims, of checks, and of the memory it takes.</summary>
public sealed class CareTests
{
    private const string Head = "config:\n\n\tNAME        STATE     READ WRITE CKSUM\n\ttank        ONLINE       0     0     0\n";

    [Theory]
    [InlineData("(25% trimmed, started at Sun Nov 22 08:52:39 2026)", "(75% trimmed, started at Sun Nov 22 08:52:39 2026)", true, false, 50.0)]
    [InlineData("(100% trimmed, completed at Sun Nov 22 08:52:39 2026)", "(50% trimmed, started at Sun Nov 22 08:52:39 2026)", true, false, 75.0)]
    [InlineData("(20% trimmed, suspended, started at Sun Nov 22 08:52:39 2026)", "(trim unsupported)", false, true, 20.0)]
    [InlineData("(100% trimmed, completed at Sun Nov 22 08:52:39 2026)", "(untrimmed)", false, false, null)]
    public void How_far_a_trim_is_is_read(string one, string other, bool running, bool paused, double? percent)
    {
        TrimStatus trim = TrimReport.ReadText($"{Head}\t    vdf     ONLINE       0     0     0  {one}\n\t    vdc     ONLINE       0     0     0  {other}\n\nerrors: No known data errors\n").ShouldNotBeNull();

        (trim.Running, trim.Paused, trim.Percent).ShouldBe((running, paused, percent));
        trim.Ended.HasValue.ShouldBe(!running && !paused);
        if (trim.Ended is DateTimeOffset ended)
        {
            ended.LocalDateTime.ShouldBe(new DateTime(2026, 11, 22, 8, 52, 39, DateTimeKind.Local));
        }
    }

    [Theory]
    [InlineData("ACTIVE", 25, "ACTIVE", 75, true, false, 50.0)]
    [InlineData("SUSPENDED", 20, "UNTRIMMED", 0, false, true, 20.0)]
    [InlineData("COMPLETE", 100, "CANCELED", 10, false, false, null)]
    public void How_far_a_trim_is_is_read_as_JSON(string one, int part, string other, int otherPart, bool running, bool paused, double? percent)
    {
        TrimStatus trim = TrimReport.ReadJson(
            $$"""
            {"pools":{"tank":{"vdevs":{"tank":{"vdev_type":"root","vdevs":{"mirror-0":{"vdev_type":"mirror","vdevs":{
              "a":{"vdev_type":"disk","trim_state":"{{one}}","trimmed":{{part}},"to_trim":100,"trim_time":1795337559,"trim_errors":0,"trim_notsup":0},
              "b":{"vdev_type":"disk","trim_state":"{{other}}","trimmed":{{otherPart}},"to_trim":100,"trim_time":1795337559,"trim_errors":0,"trim_notsup":0},
              "c":{"vdev_type":"disk","trim_notsup":1} } } } } } } } }
            """, "tank").ShouldNotBeNull();

        (trim.Running, trim.Paused, trim.Percent).ShouldBe((running, paused, percent));
        trim.Ended.ShouldBe(running || paused ? null : DateTimeOffset.FromUnixTimeSeconds(1795337559));
    }

    [Theory]
    [InlineData("""{"pools":{"tank":{"vdevs":{"tank":{"vdevs":{"a":{"trim_state":"UNTRIMMED"},"b":{"trim_notsup":1}}}}}}}""")]
    public void Drives_that_were_never_told_tell_nothing_as_JSON(string printed) => TrimReport.ReadJson(printed, "tank").ShouldBeNull();

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"pools":{"tank":{"vdevs":[]}}}""")]
    public void What_is_no_status_is_refused(string printed) => Should.Throw<StorageException>(() => TrimReport.ReadJson(printed, "tank")).Kind.ShouldBe(StorageErrorKind.Io);

    [Theory]
    [InlineData("(untrimmed)")]
    [InlineData("(trim unsupported)")]
    [InlineData("(x% trimmed, started at never)")]
    [InlineData("")]
    public void Where_nothing_was_trimmed_nothing_is_told(string said)
        => TrimReport.ReadText($"{Head}\t  vdf       ONLINE       0     0     0  {said}\n").ShouldBeNull();

    [Theory]
    [InlineData("Sun Nov 22 08:52:39 2026", 22)]
    [InlineData("Sun Nov  1 08:52:39 2026", 1)]
    public void A_time_is_read_as_C_prints_it(string said, int day) => TrimReport.TimeOf(said).ShouldNotBeNull().LocalDateTime.Day.ShouldBe(day);

    [Theory]
    [InlineData("")]
    [InlineData("yesterday")]
    public void Another_text_is_no_time(string said) => TrimReport.TimeOf(said).ShouldBeNull();

    [Fact]
    public void The_end_of_a_check_is_the_same_as_JSON_and_as_text()
    {
        PoolScan text = PoolReportText.Read(Said("repaired-p"), Said("repaired-g"), "tank").Scan.ShouldNotBeNull();

        text.Ended.ShouldNotBeNull().LocalDateTime.ShouldBe(new DateTime(2026, 11, 26, 2, 34, 56, DateTimeKind.Local));
        PoolReportJson.Read(Said("repaired-j"), "tank").Scan!.Ended.ShouldBe(DateTimeOffset.FromUnixTimeSeconds(1795660496));
    }

    [Fact]
    public void A_check_that_was_given_up_has_no_end_and_a_pool_that_does_nothing_says_so_in_its_text()
    {
        string said = Said("repaired-p").Replace(" state: ONLINE", " state: SUSPENDED", StringComparison.Ordinal);
        int scan = said.IndexOf("  scan: ", StringComparison.Ordinal);
        said = $"{said[..scan]}  scan: scrub canceled on Thu Nov 26 02:34:56 2026{said[said.IndexOf('\n', scan)..]}";

        PoolReport report = PoolReportText.Read(said, Said("repaired-g"), "tank");

        report.State.ShouldBe("SUSPENDED");
        report.Scan.ShouldBe(new PoolScan(IsResilver: false, IsRunning: false, null, 0));
    }

    [Fact]
    public void A_drive_that_is_being_emptied_is_the_same_as_JSON_and_as_text()
    {
        PoolReport[] reports = [PoolReportJson.Read(Said("leaving-j"), "rem"), PoolReportText.Read(Said("leaving-p"), Said("leaving-g"), "rem")];

        reports.ShouldAllBe(report => report.Drives.Single(drive => drive.IsLeaving).Guid == "7511099305814456391");
    }

    [Fact]
    public void The_memory_that_ZFS_caches_in_is_what_it_takes_of_what_it_may()
        => ArcMemory.Read("19 1 0x01 147 39984 26156995720 659442046970\nname                            type data\nc                               4    109672320\nc_min                           4    47937408\nc_max                           4    958748160\nsize                            4    6770776\n")
            .ShouldBe(new SpaceUse(new(958748160), new(6770776)));

    [Fact]
    public void Another_table_tells_of_no_memory() => ArcMemory.Read("name type data\nhits 4 1\n").ShouldBeNull();

    private static string Said(string name) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Fixtures/states", $"{name}.out"));
}
