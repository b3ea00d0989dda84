using EveStorage.Linux;
using EveStorage.Testing;
using EveStorage.VhostScsi;

namespace EveStorage.Tests;

/// <summary>Backstores of this machine's LIO, looked at as SCSI disks by tcm_loop. The lab runs this in a guest, as root.</summary>
public sealed class KernelTests
{
    private static readonly Nqn s_subsystem = new($"{Nqn.OwnPrefix}guest");

    [Fact]
    public async Task Two_volumes_of_a_guest_are_two_disks_that_keep_what_is_written_and_let_go_what_is_discarded()
    {
        Require();
        VhostScsiTransport transport = new(new() { Fabric = "loopback" });
        await using BackedDevice first = await BackedDevice.MakeAsync();
        await using BackedDevice second = await BackedDevice.MakeAsync();
        ExportSpec one = Spec(1), two = Spec(2);
        await RunAsync(await transport.PlanExportAsync(one, first.Access, CancellationToken.None));
        await RunAsync(await transport.PlanExportAsync(two, second.Access, CancellationToken.None));

        string[] disks = [await DiskOfAsync(one), await DiskOfAsync(two)];
        await Command.Find("dd")!.RunAsync(["if=/dev/urandom", $"of={disks[1]}", "bs=1M", "count=8", "oflag=direct", "status=none"], CancellationToken.None);
        byte[] written = await File.ReadAllBytesAsync(second.Image);
        long full = second.Allocated;
        await Command.Find("blkdiscard")!.RunAsync([disks[1]], CancellationToken.None);

        disks[0].ShouldNotBe(disks[1]);
        written.AsSpan(0, 8 << 20).ContainsAnyExcept((byte)0).ShouldBeTrue();
        full.ShouldBeGreaterThanOrEqualTo(8 << 20);
        second.Allocated.ShouldBeLessThan(1 << 20);
        ExportInfo[] listed = [.. await transport.ListExportsAsync(CancellationToken.None).ToListAsync()];
        listed.Select(e => (e.VolumeId, e.NamespaceId, e.Subsystem)).ShouldBe([(one.VolumeId, 1, s_subsystem), (two.VolumeId, 2, s_subsystem)]);
        await EndAsync(transport);
    }

    [Fact]
    public async Task A_read_only_export_refuses_writes()
    {
        Require();
        VhostScsiTransport transport = new(new() { Fabric = "loopback" });
        await using BackedDevice device = await BackedDevice.MakeAsync();
        ExportSpec spec = Spec(1) with { ReadOnly = true };
        await RunAsync(await transport.PlanExportAsync(spec, device.Access, CancellationToken.None));

        string disk = await DiskOfAsync(spec);
        CommandException e = await Should.ThrowAsync<CommandException>(() => Command.Find("dd")!.RunAsync(["if=/dev/zero", $"of={disk}", "bs=4k", "count=1", "oflag=direct", "status=none"], CancellationToken.None));

        e.Said.ShouldNotBeEmpty();
        (await transport.ListExportsAsync(CancellationToken.None).SingleAsync()).ReadOnly.ShouldBeTrue();
        await EndAsync(transport);
    }

    [Fact]
    public async Task The_tree_is_what_EVE_makes_but_for_names_that_stay()
    {
        Require();
        VhostScsiTransport transport = new(new());
        await using BackedDevice device = await BackedDevice.MakeAsync();
        ExportSpec spec = Spec(1);
        await RunAsync(await transport.PlanExportAsync(spec, device.Access, CancellationToken.None));
        string wwn = Wwn.Of(s_subsystem);
        string store = $"{TargetTree.KernelRoot}/core/iblock_0/evestorage-{spec.VolumeId}";
        string group = $"{TargetTree.KernelRoot}/vhost/{wwn}/tpgt_1";

        Configfs.Find($"{store}/enable").ShouldBe("1");
        Configfs.Find($"{store}/info").ShouldNotBeNull().ShouldContain($"UDEV PATH: {device.Access.Path}");
        Configfs.Find($"{store}/attrib/emulate_tpu").ShouldBe("1");
        Configfs.Find($"{store}/wwn/vpd_unit_serial").ShouldNotBeNull().ShouldEndWith(spec.VolumeId.ToString("N"));
        Configfs.Find($"{group}/nexus").ShouldBe(wwn);
        new DirectoryInfo($"{group}/lun/lun_0/iblock").LinkTarget.ShouldNotBeNull().ShouldEndWith($"core/iblock_0/evestorage-{spec.VolumeId}");
        (await transport.ListExportsAsync(CancellationToken.None).SingleAsync()).Lines["qemu"].ShouldBe($"-device vhost-scsi-pci,wwpn={wwn},max_sectors=16384,num_queues=1");
        (await transport.PlanExportAsync(spec, device.Access, CancellationToken.None)).Steps.ShouldAllBe(s => s.Expected == StepEffect.AlreadySo);
        await EndAsync(transport);
    }

    [Fact]
    public async Task An_export_that_fails_or_ends_and_is_reverted_leaves_what_was()
    {
        Require();
        VhostScsiTransport transport = new(new() { Fabric = "loopback" });
        await using BackedDevice device = await BackedDevice.MakeAsync();
        Plan export = await transport.PlanExportAsync(Spec(1), device.Access, CancellationToken.None);
        await Should.ThrowAsync<StorageException>(() => RunAsync(export.Then(Plan.Of(new Failing()))));
        Left().ShouldBeEmpty();

        await RunAsync(await transport.PlanExportAsync(Spec(1), device.Access, CancellationToken.None));
        await Should.ThrowAsync<StorageException>(async () => await RunAsync((await transport.PlanUnexportAsync(Spec(1).VolumeId, CancellationToken.None)).Then(Plan.Of(new Failing()))));

        (await transport.ListExportsAsync(CancellationToken.None).CountAsync()).ShouldBe(1);
        await Command.Find("dd")!.RunAsync([$"if={await DiskOfAsync(Spec(1))}", "of=/dev/null", "bs=4k", "count=1", "iflag=direct", "status=none"], CancellationToken.None);
        await EndAsync(transport);
    }

    [Fact]
    public async Task A_running_guest_keeps_its_last_disk_and_nothing_is_touched_and_another_goes_at_once()
    {
        Require();
        await Command.Find("modprobe")!.RunAsync(["vhost_scsi"], CancellationToken.None);
        VhostScsiTransport transport = new(new());
        await using BackedDevice first = await BackedDevice.MakeAsync();
        await using BackedDevice second = await BackedDevice.MakeAsync();
        await RunAsync(await transport.PlanExportAsync(Spec(1), first.Access, CancellationToken.None));
        await RunAsync(await transport.PlanExportAsync(Spec(2), second.Access, CancellationToken.None));
        string lun = $"{TargetTree.KernelRoot}/vhost/{Wwn.Of(s_subsystem)}/tpgt_1/lun/lun_0";
        ulong disk = BlockFile.Look(lun).Inode;
        StorageException e;
        using (new RunningGuest(Wwn.Of(s_subsystem)))
        {
            await RunAsync(await transport.PlanUnexportAsync(Spec(2).VolumeId, CancellationToken.None));
            e = await Should.ThrowAsync<StorageException>(async () => await RunAsync(await transport.PlanUnexportAsync(Spec(1).VolumeId, CancellationToken.None)));
        }

        e.Kind.ShouldBe(StorageErrorKind.Busy);
        e.Message.ShouldContain("end the guest first");
        BlockFile.Look(lun).Inode.ShouldBe(disk);
        (await transport.ListExportsAsync(CancellationToken.None).SingleAsync()).VolumeId.ShouldBe(Spec(1).VolumeId);
        await EndAsync(transport);
    }

    private static void Require()
        => Assert.SkipUnless(Environment.GetEnvironmentVariable("EVESTORAGE_IN_LAB") == "6.12", "changes the kernel's target: the lab runs it in a guest (KernelTransportTests)");

    private static ExportSpec Spec(int number) => new()
    {
        VolumeId = new(number, 0xC0, 0x4F, [0x80, 1, 2, 3, 4, 5, 6, 7]),
        Subject = $"data/vm{number}",
        Subsystem = s_subsystem,
        NamespaceId = number,
        AllowedHosts = [],
    };

    private static Task RunAsync(Plan plan) => RunningPlans.RunAsync(plan, new() { Id = Guid.NewGuid() }, CancellationToken.None);

    private static async Task EndAsync(VhostScsiTransport transport)
    {
        foreach (ExportInfo export in await transport.ListExportsAsync(CancellationToken.None).ToListAsync())
        {
            await RunAsync(await transport.PlanUnexportAsync(export.VolumeId, CancellationToken.None));
        }

        Left().ShouldBeEmpty("LIO's tree is as before");
    }

    private static string[] Left()
        => [.. new[] { "core/iblock_0", "vhost", "loopback" }.SelectMany(p => Configfs.Objects($"{TargetTree.KernelRoot}/{p}")).Where(n => n.StartsWith("evestorage-", StringComparison.Ordinal) || n.StartsWith("naa.", StringComparison.Ordinal)), .. Configfs.Names("/run/evestorage/target")];

    private static async Task<string> DiskOfAsync(ExportSpec spec)
    {
        for (int tries = 0; tries < 200; tries++)
        {
            string? disk = Directory.GetDirectories("/sys/class/block", "sd*")
                .FirstOrDefault(d => File.Exists($"{d}/device/vpd_pg80") && System.Text.Encoding.ASCII.GetString(File.ReadAllBytes($"{d}/device/vpd_pg80")).Contains(spec.VolumeId.ToString("N"), StringComparison.Ordinal));
            if (disk is not null && File.Exists($"/dev/{Path.GetFileName(disk)}"))
            {
                return $"/dev/{Path.GetFileName(disk)}";
            }

            await Task.Delay(100);
        }

        throw new TimeoutException($"no SCSI disk of {spec.Subject}");
    }

    private sealed class Failing : StorageStep
    {
        public override string Title => "fail";

        public override StepEffect Expected => StepEffect.Change;

        public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
            => throw new StorageException(StorageErrorKind.Io, "test", "was told to fail");

        public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => default;
    }
}
