using System.Buffers.Binary;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>Who uses a device, on a loop device with a partition.</summary>
public sealed class DriveUseTests
{
    private const int FirstSector = 2048;

    [Fact]
    public async Task A_mount_of_a_partition_is_a_use_of_its_device_and_the_partition_itself_is_none()
    {
        await using LoopDevice device = await LoopDevice.MakeAsync(ByteSize.MiB(32));
        string partition = await PartitionAsync(device.Path, ByteSize.MiB(16));
        await Command.Find("mkfs.ext4")!.RunAsync(["-q", partition], default);
        using TemporaryDirectory mount = new();
        IReadOnlyList<string> before = DriveUse.UsersOf(device.Path);

        await Command.Find("mount")!.RunAsync([partition, mount.Path], default);
        IReadOnlyList<string> mounted = DriveUse.UsersOf(device.Path);
        await Command.Find("umount")!.RunAsync([mount.Path], default);
        await RemoveNodeAsync(device.Path, partition);

        before.ShouldBeEmpty();
        mounted.ShouldBe([$"{Name(partition)} is mounted at {mount.Path}"]);
        DriveUse.UsersOf(device.Path).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_program_that_has_a_device_open_is_told_by_its_name_and_number_and_is_no_user_of_the_kernel_s()
    {
        await using LoopDevice device = await LoopDevice.MakeAsync(ByteSize.MiB(1));
        using FileStream open = File.OpenRead(device.Path);

        DevicePrograms.Of(device.Path).ShouldHaveSingleItem().ShouldEndWith($" (process {Environment.ProcessId})");
        DevicePrograms.Of("/dev/no-such-device").ShouldBeEmpty();
        DriveUse.UsersOf(device.Path).ShouldBeEmpty();
    }

    [Fact]
    public void A_device_that_is_not_there_is_used_by_nobody() => DriveUse.UsersOf("/dev/no-such-device").ShouldBeEmpty();

    private static string Name(string path) => Path.GetFileName(path);

    // A table of one partition, as an MBR has it: no program for it is everywhere.
    private static async Task<string> PartitionAsync(string device, ByteSize size)
    {
        byte[] table = new byte[512];
        (table[450], table[510], table[511]) = (0x83, 0x55, 0xAA);
        BinaryPrimitives.WriteInt32LittleEndian(table.AsSpan(454), FirstSector);
        BinaryPrimitives.WriteInt32LittleEndian(table.AsSpan(458), (int)(size.Bytes / 512));
        await using (FileStream open = File.OpenWrite(device))
        {
            await open.WriteAsync(table);
        }

        await Command.Find("partx")!.RunAsync(["--add", device], default);
        string partition = $"{device}p1";
        if (!File.Exists(partition))
        {
            string[] number = (await File.ReadAllTextAsync($"/sys/class/block/{Name(partition)}/dev")).Trim().Split(':');
            await Command.Find("mknod")!.RunAsync([partition, "b", number[0], number[1]], default);
        }

        return partition;
    }

    private static async Task RemoveNodeAsync(string device, string partition)
    {
        await Command.Find("partx")!.RunAsync(["--delete", device], default);
        File.Delete(partition);
    }
}
