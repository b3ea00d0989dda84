using EveStorage.Conformance;
using EveStorage.Linux;
using EveStorage.NvmetLoop;
using EveStorage.NvmetTcp;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>What a kernel can't do, and devices that don't answer. The lab runs this in guests of both kernels, as root.</summary>
public sealed class KernelTroubleTests
{
    [Fact]
    public async Task A_suspended_device_keeps_its_export_and_nobody_waits_for_it()
    {
        KernelTarget.Require();
        NvmetTcpTransport transport = new(new(), KernelTarget.Services());
        await using ServedVolume volume = await ServedVolume.MakeAsync(ByteSize.MiB(8));
        await DmSetupAsync("create", "stuck", "--table", $"0 {(8 << 20) / 512} linear {volume.Access.Path} 0");
        await RunAsync(await transport.PlanExportAsync(FakeTree.Spec, new() { Path = "/dev/mapper/stuck" }, CancellationToken.None));
        await DmSetupAsync("suspend", "stuck");

        StorageException e = await Should.ThrowAsync<StorageException>(async () => await RunAsync(await transport.PlanUnexportAsync(FakeTree.Spec.VolumeId, CancellationToken.None)));
        (await transport.ListExportsAsync(CancellationToken.None).CountAsync()).ShouldBe(1);
        await DmSetupAsync("resume", "stuck");
        await KernelTarget.EndAllAsync(transport);
        await DmSetupAsync("remove", "stuck");

        e.Kind.ShouldBe(StorageErrorKind.Busy);
        e.Message.ShouldContain("is suspended");
        KernelTarget.Objects().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_mounted_device_of_nvmet_loop_is_busy_and_stays()
    {
        KernelTarget.Require();
        NvmetLoopTransport transport = new(new());
        await using ServedVolume volume = await ServedVolume.MakeAsync(ByteSize.MiB(16));
        ExportSpec spec = FakeTree.Spec with { AllowedHosts = [] };
        await RunAsync(await transport.PlanExportAsync(spec, volume.Access, CancellationToken.None));
        const string Device = "/run/evestorage/dev/data/vm1";
        await Command.Find("mkfs.ext4")!.RunAsync(["-q", Device], CancellationToken.None);
        Directory.CreateDirectory("/tmp/mounted");
        await Command.Find("mount")!.RunAsync([Device, "/tmp/mounted"], CancellationToken.None);

        StorageException e = await Should.ThrowAsync<StorageException>(async () => await RunAsync(await transport.PlanUnexportAsync(spec.VolumeId, CancellationToken.None)));
        await File.WriteAllTextAsync("/tmp/mounted/file", "it goes on");
        await Command.Find("umount")!.RunAsync(["/tmp/mounted"], CancellationToken.None);
        await KernelTarget.EndAllAsync(transport);

        e.Kind.ShouldBe(StorageErrorKind.Busy);
        e.Message.ShouldContain("is mounted at /tmp/mounted");
        Path.Exists(Device).ShouldBeFalse();
        KernelTarget.Objects().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_partition_of_nvmet_loop_that_is_swapped_to_is_busy_and_stays_also_when_its_link_is_gone_or_its_number_changes()
    {
        KernelTarget.Require();
        NvmetLoopTransport transport = new(new());
        await using ServedVolume volume = await ServedVolume.MakeAsync(ByteSize.MiB(16));
        ExportSpec spec = FakeTree.Spec with { AllowedHosts = [] };
        await RunAsync(await transport.PlanExportAsync(spec, volume.Access, CancellationToken.None));
        const string Link = "/run/evestorage/dev/data/vm1";
        string device = new FileInfo(Link).LinkTarget!;
        await SwapToPartitionAsync(device);
        File.Move(Link, "/run/evestorage/dev/aside");

        StorageException ends = await Should.ThrowAsync<StorageException>(async () => await RunAsync(await transport.PlanUnexportAsync(spec.VolumeId, CancellationToken.None)));
        StorageException changes = await Should.ThrowAsync<StorageException>(async () => await RunAsync(await transport.PlanExportAsync(spec with { NamespaceId = 2 }, volume.Access, CancellationToken.None)));
        string swaps = await File.ReadAllTextAsync("/proc/swaps");
        await Command.Find("swapoff")!.RunAsync([$"{device}p1"], CancellationToken.None);
        File.Move("/run/evestorage/dev/aside", Link);
        await KernelTarget.EndAllAsync(transport);

        ends.Kind.ShouldBe(StorageErrorKind.Busy);
        ends.Message.ShouldContain($"{Path.GetFileName(device)}p1 is swapped to");
        changes.Kind.ShouldBe(StorageErrorKind.Busy);
        swaps.ShouldContain($"{device}p1");
        KernelTarget.Objects().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_file_is_served_too()
    {
        KernelTarget.Require();
        NvmetTcpTransport transport = new(new(), KernelTarget.Services());
        using TemporaryDirectory place = new();
        using (FileStream image = File.Create(place["image"]))
        {
            image.SetLength(4 << 20);
        }

        await RunAsync(await transport.PlanExportAsync(FakeTree.Spec, new() { Path = place["image"] }, CancellationToken.None));
        await using (ITransportHost host = (await KernelHost.ConnectAsync(FakeTree.Host, FakeTree.Subsystem, [("transport", "tcp"), ("traddr", "127.0.0.1"), ("trsvcid", "4420")])).ShouldNotBeNull())
        {
            await host.WriteAsync(1, 4096, new byte[] { 1, 2, 3, 4 }.Concat(new byte[4092]).ToArray(), CancellationToken.None);
            (await host.GetSizeAsync(1, CancellationToken.None)).ShouldBe(ByteSize.MiB(4));
        }

        await KernelTarget.EndAllAsync(transport);
        (await File.ReadAllBytesAsync(place["image"])).AsSpan(4096, 4).ToArray().ShouldBe([1, 2, 3, 4]);
        KernelTarget.Objects().ShouldBeEmpty();
    }

    [Fact]
    public async Task Linux_6_1_of_Debian_has_no_nvme_loop_and_asks_for_no_keys_and_nothing_is_touched()
    {
        KernelTarget.Require("6.1");
        SecretWords keys = new();
        keys.Put("host", 1);
        NvmetTcpTransport tcp = new(new(), KernelTarget.Services(keys));
        NvmetLoopTransport loop = new(new());
        bool loaded = KernelModule.IsLoaded("nvmet");

        (await tcp.ProbeAsync(CancellationToken.None)).ShouldBeEmpty();
        (await loop.ProbeAsync(CancellationToken.None)).ShouldBe(["the kernel has no nvme-loop: see docs/kernel.config"]);
        (await RefusedAsync(loop, FakeTree.Spec with { AllowedHosts = [] })).ShouldBe(StorageErrorKind.Unavailable);
        (await RefusedAsync(tcp, FakeTree.Spec with { AllowedHosts = [new(FakeTree.Host, new KeyName("host"))] })).ShouldBe(StorageErrorKind.NotSupported);
        KernelTarget.Objects().ShouldBeEmpty();
        KernelModule.IsLoaded("nvmet").ShouldBe(loaded, "looking loads nothing");
    }

    [Fact]
    public async Task Linux_6_1_of_Debian_serves_over_tcp()
    {
        KernelTarget.Require("6.1");
        NvmetTcpTransport transport = new(new() { Port = 4421 }, KernelTarget.Services());
        await using ServedVolume volume = await ServedVolume.MakeAsync(ByteSize.MiB(1));

        await RunAsync(await transport.PlanExportAsync(FakeTree.Spec, volume.Access, CancellationToken.None));
        await using (ITransportHost host = (await KernelHost.ConnectAsync(FakeTree.Host, FakeTree.Subsystem, [("transport", "tcp"), ("traddr", "127.0.0.1"), ("trsvcid", "4421")])).ShouldNotBeNull())
        {
            await volume.GrowAsync(ByteSize.MiB(2), CancellationToken.None);
            await RunAsync(await transport.PlanResizeAsync(FakeTree.Spec.VolumeId, CancellationToken.None));
            await host.WaitForChangeAsync(CancellationToken.None);
            (await host.GetSizeAsync(1, CancellationToken.None)).ShouldBe(ByteSize.MiB(2));
        }

        await KernelTarget.EndAllAsync(transport);
        KernelTarget.Objects().ShouldBeEmpty();
    }

    private static async Task<StorageErrorKind> RefusedAsync(IVolumeTransport transport, ExportSpec spec)
        => (await Should.ThrowAsync<StorageException>(() => transport.PlanExportAsync(spec, new() { Path = "/dev/null" }, CancellationToken.None).AsTask())).Kind;

    private static Task RunAsync(Plan plan) => RunningPlans.RunAsync(plan, new() { Id = Guid.NewGuid() }, CancellationToken.None);

    // A table of one partition, as an MBR has it, from sector 2048.
    private static async Task SwapToPartitionAsync(string device)
    {
        byte[] table = new byte[512];
        (table[450], table[455], table[459], table[510], table[511]) = (0x82, 0x08, 0x40, 0x55, 0xAA);
        await using (FileStream open = File.OpenWrite(device))
        {
            await open.WriteAsync(table);
        }

        await Command.Find("sh")!.RunAsync(["-c", "partx --update $0 && udevadm settle && mkswap ${0}p1 && swapon ${0}p1", device], CancellationToken.None);
    }

    private static async Task DmSetupAsync(params string[] words) => await Command.Find("dmsetup")!.RunAsync(words, CancellationToken.None);
}
