using System.Text.Json.Nodes;
using EveStorage.Cli.Api;
using EveStorage.Host.Hardware;

namespace EveStorage.Tests;

/// <summary>Which profile fits which machine. Real ones are in the lab; here are those that it can't be.</summary>
public sealed class ProfileChoiceTests
{
    private static readonly string[] s_newKernel = ["dm-mod", "dm-thin-pool", "nvme-loop", "nvmet-tcp"];

    [Fact]
    public void A_board_with_an_eMMC_gets_the_small_profile_however_much_memory_it_has()
    {
        ProfileChoice choice = ProfileChoice.For(MachineOf(memory: 8, [Drive("mmcblk0", 32, "mmc")]));

        choice.Profile.ShouldBe("emmc-small");
        DevicesOf(choice).ShouldBe(["serial:mmcblk0"]);
        choice.Reasons.ShouldContain(reason => reason.Found.Contains("eMMC", StringComparison.Ordinal));
    }

    [Fact]
    public void Less_than_4_GB_of_memory_is_small_with_any_drive() => ProfileChoice.For(MachineOf(memory: 2, [Drive("sda", 128)])).Profile.ShouldBe("emmc-small");

    [Fact]
    public void A_drive_below_8_GB_is_not_thin()
        => ProfileChoice.For(MachineOf(memory: 1, [Drive("mmcblk0", 4, "mmc")])).Settings["Pools"]!["data"]!["Options"]!["Provisioning"]!.GetValue<string>().ShouldBe("Thick");

    [Fact]
    public void A_PC_with_one_SSD_and_a_TPM_needs_nothing_but_the_drive_in_its_settings()
    {
        ProfileChoice choice = ProfileChoice.For(MachineOf(memory: 16, [Drive("nvme0n1", 512, "pcie")]));

        choice.Settings.ToJsonString().ShouldBe("""{"Profile":"single-ssd","Pools":{"data":{"Devices":["serial:nvme0n1"]}}}""");
    }

    [Fact]
    public void Two_free_drives_of_a_size_are_a_mirror()
        => ProfileChoice.For(MachineOf(memory: 16, [Drive("sda", 512), Drive("sdb", 480)])).Settings["Pools"]!["data"]!["Redundancy"]!.GetValue<string>().ShouldBe("Mirror");

    [Fact]
    public void A_drive_in_use_is_named_with_its_use_and_is_none_of_the_pools()
    {
        ProfileChoice choice = ProfileChoice.For(MachineOf(memory: 16, [Drive("sda", 512) with { Uses = ["/"] }]));

        DevicesOf(choice).ShouldBeEmpty();
        choice.Reasons.ShouldContain(reason => reason.Found == "sda is used: /" && reason.So.Contains("-part3", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_a_TPM_the_key_comes_from_elsewhere()
    {
        ProfileChoice choice = ProfileChoice.For(MachineOf(memory: 16, [Drive("nvme0n1", 512)]) with { HasTpm = false });

        choice.Settings["Keys"]!["Kind"]!.GetValue<string>().ShouldBe("key-file");
        PluginsOf(choice).ShouldContain("eve.keys");
        PluginsOf(choice).ShouldNotContain("eve.tpm2-keys");
    }

    [Theory]
    [InlineData(3, 32, true, "server-zfs")]
    [InlineData(2, 32, true, "single-ssd")]
    [InlineData(3, 8, true, "single-ssd")]
    [InlineData(3, 32, false, "single-ssd")]
    public void A_server_has_three_drives_of_a_size_and_16_GB_of_memory_and_OpenZFS(int drives, int memory, bool zfs, string profile)
    {
        Machine machine = MachineOf(memory, [.. Enumerable.Range(0, drives).Select(number => Drive($"sd{(char)('a' + number)}", 1024)), Drive("sdx", 64)], zfs ? [.. s_newKernel, "zfs"] : s_newKernel);

        ProfileChoice choice = ProfileChoice.For(machine);

        choice.Profile.ShouldBe(profile);
        DevicesOf(choice).Length.ShouldBe(drives);
    }

    [Fact]
    public void A_guest_is_a_guest_whatever_it_has()
        => ProfileChoice.For(MachineOf(memory: 64, [Drive("vda", 512), Drive("vdb", 512), Drive("vdc", 512)], [.. s_newKernel, "zfs"]) with { IsGuest = true }).Profile.ShouldBe("vm-in-cloud");

    [Fact]
    public void A_node_of_a_cluster_is_one_where_its_drive_is_large_enough()
    {
        ProfileChoice node = ProfileChoice.For(MachineOf(memory: 32, [Drive("nvme0n1", 480), Drive("nvme1n1", 480)]) with { IsClusterNode = true });
        ProfileChoice small = ProfileChoice.For(MachineOf(memory: 32, [Drive("sda", 32)]) with { IsClusterNode = true });

        node.Profile.ShouldBe("cluster-node");
        node.Settings["Pools"]!["data"]!["Redundancy"]!.GetValue<string>().ShouldBe("Mirror");
        small.Profile.ShouldBe("single-ssd");
        small.Reasons.ShouldContain(reason => reason.Found.Contains("64 GB", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_a_drive_or_a_device_mapper_volumes_are_files()
    {
        ProfileChoice.For(MachineOf(memory: 16, [])).Settings.ToJsonString().ShouldBe("""{"Profile":"embedded"}""");
        ProfileChoice.For(MachineOf(memory: 16, [Drive("sda", 512)], [])).Profile.ShouldBe("embedded");
    }

    [Theory]
    [InlineData("nvmet-tcp", "eve.nvmet-tcp")]
    [InlineData("dm-mod", "eve.nvmet-user")]
    public void A_kernel_without_nvme_loop_gets_a_transport_that_works_there(string module, string plugin)
    {
        ProfileChoice choice = ProfileChoice.For(MachineOf(memory: 2, [Drive("sda", 64)], ["dm-mod", "dm-thin-pool", module]));

        PluginsOf(choice).ShouldContain(plugin);
        choice.Settings["Transports"]!["tcp"].ShouldNotBeNull();
    }

    [Fact]
    public void This_machine_is_looked_at_as_it_is()
    {
        Machine here = Machine.Look();

        here.Memory.Bytes.ShouldBe(long.Parse(File.ReadLines("/proc/meminfo").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) << 10);
        here.IsGuest.ShouldBe(File.ReadAllText("/proc/cpuinfo").Split('\n').Any(line => line.StartsWith("flags", StringComparison.Ordinal) && line.Split(' ').Contains("hypervisor")));
        ProfileChoice.For(here).Reasons.ShouldNotBeEmpty();
    }

    private static Machine MachineOf(int memory, DeviceReport[] drives, string[]? modules = null) => new()
    {
        Memory = ByteSize.MiB((memory << 10) - 300),
        Drives = drives,
        HasAes = true,
        HasTpm = true,
        Modules = (modules ?? s_newKernel).ToHashSet(),
    };

    private static DeviceReport Drive(string name, int gibibytes, string transport = "scsi") => new()
    {
        Name = name,
        Device = $"serial:{name}",
        Size = ByteSize.GiB(gibibytes),
        Transport = transport,
    };

    private static string[] DevicesOf(ProfileChoice choice) => [.. ((JsonArray)choice.Settings["Pools"]!["data"]!["Devices"]!).Select(device => $"{device}")];

    private static string[] PluginsOf(ProfileChoice choice) => [.. ((JsonArray)choice.Settings["Plugins"]!["Enabled"]!).Select(plugin => $"{plugin}")];
}
