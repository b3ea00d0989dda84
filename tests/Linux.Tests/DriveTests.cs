using System.Buffers.Binary;
using EveStorage.Linux;

namespace EveStorage.Tests;

public class DriveTests
{
    private static readonly Drive s_first = new()
    {
        Name = "nvme0n1",
        Number = "259:0",
        Size = ByteSize.GiB(1),
        Serial = "S1",
        WorldWideName = "nvme.1b36-5331",
        PciAddress = "0000:00:04.0",
    };

    private static readonly Drive s_second = s_first with { Name = "sdb", Number = "8:16", Serial = "S2", WorldWideName = null, PciAddress = "0000:00:05.0" };
    private static readonly Drive s_partition = s_first with { Name = "nvme0n1p3", Partition = 3 };
    private static readonly Drive[] s_drives = [s_first, s_partition, s_second];

    [Theory]
    [InlineData("serial:S2", "sdb")]
    [InlineData("wwn:nvme.1b36-5331", "nvme0n1")]
    [InlineData("wwn:nvme.1b36-5331-part3", "nvme0n1p3")]
    [InlineData("serial:S1-part3", "nvme0n1p3")]
    [InlineData("pci:0000:00:04.0", "nvme0n1")]
    public void A_drive_is_found_by_what_it_is_called_for_life(string device, string name) => Drive.Find(device, s_drives)!.Name.ShouldBe(name);

    [Theory]
    [InlineData("serial:S3")]
    [InlineData("serial:S1-part4")]
    [InlineData("serial:")]
    [InlineData("/dev/no-such-device")]
    [InlineData("sdb")]
    public void A_drive_that_is_not_there_is_not_found(string device) => Drive.Find(device, s_drives).ShouldBeNull();

    [Fact]
    public void A_name_of_two_drives_is_a_conflict()
        => Should.Throw<StorageException>(() => Drive.Find("serial:S1", [s_first, s_second with { Serial = "S1" }])).Kind.ShouldBe(StorageErrorKind.Conflict);

    [Fact]
    public void A_drive_is_called_by_its_world_wide_name_else_its_serial_number_and_a_partition_by_its_number_too()
    {
        s_first.Identity.ShouldBe("nvme.1b36-5331");
        s_second.Identity.ShouldBe("S2");
        s_partition.Identity.ShouldBe("nvme.1b36-5331-part3");
        (s_second with { Serial = null }).Identity.ShouldBe("/dev/sdb");
    }

    [Fact]
    public void The_drives_of_this_machine_are_listed_with_their_nodes_and_none_stands_for_others()
    {
        IReadOnlyList<Drive> drives = Drive.List();

        drives.ShouldAllBe(drive => drive.Size.Bytes > 0 && File.Exists($"/sys/class/block/{drive.Name}/dev"));
        drives.ShouldAllBe(drive => !drive.Name.StartsWith("dm-") && !drive.Name.StartsWith("loop") && !drive.Name.StartsWith("zram"));
        drives.Where(drive => drive.Partition is not null).ShouldAllBe(part => drives.Any(whole => whole.Partition == null && part.Name.StartsWith(whole.Name)));
    }

    [Fact]
    public void A_smart_log_tells_wear_errors_and_what_is_wrong()
    {
        byte[] log = new byte[512];
        log[0] = 0x05;
        log[5] = 103;
        BinaryPrimitives.WriteUInt64LittleEndian(log.AsSpan(160), 7);

        DriveHealth health = DriveHealth.ReadSmartLog(log);

        health.ShouldBe(new DriveHealth(103, 7, "its spare blocks run out, it is not reliable any more"));
    }

    [Fact]
    public void A_healthy_smart_log_has_no_problem() => DriveHealth.ReadSmartLog(new byte[512]).ShouldBe(new DriveHealth(0, 0, null));

    [Theory]
    [InlineData(0x4F, 0xC2, null)]
    [InlineData(0xF4, 0x2C, "it says that it fails soon")]
    public void The_registers_of_an_ATA_drive_tell_the_verdict_of_SMART(byte middle, byte high, string? problem)
    {
        byte[] sense = new byte[32];
        (sense[0], sense[8], sense[9], sense[17], sense[19]) = (0x72, 0x09, 0x0C, middle, high);

        AtaHealth.ReadVerdict(sense).ShouldBe(problem);
        AtaHealth.ReadVerdict(new byte[32]).ShouldBeNull();
    }

    [Theory]
    [InlineData(7, 0xC0, 42ul)]
    [InlineData(7, 0x80, null)]   // supported, and not valid now
    [InlineData(7, 0x00, null)]
    [InlineData(4, 0xC0, null)]   // another page than was asked for
    public void A_statistic_of_an_ATA_drive_counts_where_the_drive_says_that_it_is_valid(byte page, byte flags, ulong? value)
    {
        byte[] read = new byte[512];
        (read[0], read[2], read[8], read[15]) = (1, page, 42, flags);

        AtaHealth.ReadStatistic(read, 7).ShouldBe(value);
    }

    [Theory]
    [InlineData("0x01 0x03", "0x01", 30, null)]
    [InlineData("0x0b 0x01", "0x03", 110, "it has used 90 % of its spare blocks")]
    [InlineData("0x00 0x00", "0x00", null, null)]
    [InlineData(null, null, null, null)]
    [InlineData("nonsense", "nonsense", null, null)]
    public void The_registers_of_an_emmc_tell_its_wear(string? lifeTime, string? endOfLife, int? wear, string? problem)
        => DriveHealth.ReadMmc(lifeTime, endOfLife).ShouldBe(new DriveHealth(wear, null, problem));

    [Fact]
    public void A_regular_file_is_no_block_device_of_any_number()
    {
        DriveNode.Is("/etc/passwd", "8:0").ShouldBeFalse();
        DriveNode.Is("/dev/null", "1:3").ShouldBeFalse();
        DriveNode.Is("/no/such/path", "1:3").ShouldBeFalse();
    }
}
