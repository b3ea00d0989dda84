using EveStorage.Linux;
using EveStorage.Testing;
using EveStorage.VhostScsi;

namespace EveStorage.Tests;

/// <summary>What is planned. What the kernel makes of it is seen in the lab.</summary>
public sealed class PlanTests
{
    private static readonly Nqn s_subsystem = new($"{Nqn.OwnPrefix}vm1");

    private static ExportSpec Spec { get; } = new()
    {
        VolumeId = new("11111111-2222-3333-4444-555555555555"),
        Subject = "data/vm1",
        Subsystem = s_subsystem,
        NamespaceId = 2,
        AllowedHosts = [],
    };

    [Fact]
    public void A_controller_has_the_same_name_always_and_each_subsystem_another()
    {
        Wwn.Of(s_subsystem).ShouldBe(Wwn.Of(new($"{s_subsystem}")));
        Wwn.Of(s_subsystem).ShouldMatch("^naa\\.5001405[0-9a-f]{9}$");
        Wwn.Of(new($"{Nqn.OwnPrefix}vm2")).ShouldNotBe(Wwn.Of(s_subsystem));
    }

    [Fact]
    public async Task An_export_makes_the_backstore_then_the_controller_then_the_disk()
    {
        using TemporaryDirectory place = new();
        Directory.CreateDirectory(place["target/core"]);
        Directory.CreateDirectory(place["target/vhost"]);

        Plan plan = await Transport(place).PlanExportAsync(Spec, new() { Path = "/dev/pool/vm1" }, CancellationToken.None);

        plan.Steps.Where(s => s.Expected == StepEffect.Change).Select(s => s.Title).ShouldBe(
        [
            $"lio: make backstore {Spec.VolumeId} on /dev/pool/vm1",
            $"lio: make controller {Wwn.Of(s_subsystem)}",
            $"lio: make data/vm1 disk 1 of {Wwn.Of(s_subsystem)}",
        ]);
    }

    [Theory]
    [InlineData("hosts", StorageErrorKind.InvalidConfiguration)]
    [InlineData("limits", StorageErrorKind.NotSupported)]
    [InlineData("no path", StorageErrorKind.NotSupported)]
    [InlineData("file", StorageErrorKind.NotSupported)]
    [InlineData("foreign name", StorageErrorKind.Conflict)]
    public async Task What_can_t_be_is_refused_before_anything_is_touched(string what, StorageErrorKind kind)
    {
        using TemporaryDirectory place = new();
        await File.WriteAllTextAsync(place["image"], "");
        ExportSpec spec = what switch
        {
            "hosts" => Spec with { AllowedHosts = [new(new("nqn.2014-08.org.example:host"), Key: null)] },
            "limits" => Spec with { Limits = new() { Iops = 100 } },
            "foreign name" => Spec with { Subsystem = new("nqn.2026-01.org.example:vm1") },
            _ => Spec,
        };
        string? path = what switch
        {
            "no path" => null,
            "file" => place["image"],
            _ => "/dev/pool/vm1",
        };

        StorageException e = await Should.ThrowAsync<StorageException>(() => Transport(place).PlanExportAsync(spec, new() { Path = path }, CancellationToken.None).AsTask());

        e.Kind.ShouldBe(kind);
        Directory.Exists(place["marks"]).ShouldBeFalse();
    }

    [Fact]
    public async Task The_last_disk_of_a_controller_in_use_is_refused_before_anything_is_touched()
    {
        Assert.SkipUnless(Environment.UserName == "root" || Environment.GetEnvironmentVariable("CI") == "true", "needs root to mount");
        using TemporaryDirectory place = new();
        string controller = MakeExport(place);
        ulong disk = BlockFile.Look($"{controller}/lun/lun_1").Inode;
        await Command.Find("mount")!.RunAsync(["--bind", controller, controller], CancellationToken.None);   // it can't be removed, as when a guest uses it

        StorageException e;
        try
        {
            Plan plan = await Transport(place).PlanUnexportAsync(Spec.VolumeId, CancellationToken.None);
            e = await Should.ThrowAsync<StorageException>(() => RunningPlans.RunAsync(plan, new() { Id = Guid.NewGuid() }, CancellationToken.None));
        }
        finally
        {
            await Command.Find("umount")!.RunAsync([controller], CancellationToken.None);
        }

        e.Kind.ShouldBe(StorageErrorKind.Busy);
        e.Message.ShouldContain("end the guest first");
        BlockFile.Look($"{controller}/lun/lun_1").Inode.ShouldBe(disk);
        Configfs.Find($"{controller}/nexus").ShouldBe(Wwn.Of(s_subsystem));
    }

    [Fact]
    public async Task A_controller_whose_disk_went_when_nobody_waited_any_more_goes_with_the_backstore()
    {
        using TemporaryDirectory place = new();
        string controller = MakeExport(place);
        Directory.Delete($"{controller}/lun/lun_1", recursive: true);

        Plan plan = await Transport(place).PlanUnexportAsync(Spec.VolumeId, CancellationToken.None);

        plan.Steps.Where(s => s.Expected == StepEffect.Change).Select(s => s.Title).ShouldBe(
            [$"lio: remove controller {Wwn.Of(s_subsystem)} unless it has disks", $"lio: remove backstore {Spec.VolumeId}"]);
    }

    [Fact]
    public async Task A_disk_that_someone_else_numbered_in_another_way_is_passed_over()
    {
        using TemporaryDirectory place = new();
        Directory.CreateDirectory($"{MakeExport(place)}/lun/lun_0x10");

        ExportInfo listed = await Transport(place).ListExportsAsync(CancellationToken.None).SingleAsync();

        listed.NamespaceId.ShouldBe(2);
    }

    [Fact]
    public void Options_of_no_use_are_named()
    {
        Microsoft.Extensions.Options.ValidateOptionsResult result = new VhostScsiOptionsValidator().Validate(null, new() { Fabric = "iscsi", Queues = 0, Marks = "here" });

        foreach (string key in (string[])["Fabric", "Queues", "Marks"])
        {
            result.Failures.ShouldNotBeNull().ShouldContain(f => f.Contains(key), key);
        }
    }

    /// <summary>Directories and files as the kernel has them for the export, and the controller's.</summary>
    private static string MakeExport(TemporaryDirectory place)
    {
        string store = place[$"target/core/iblock_0/evestorage-{Spec.VolumeId}"];
        string controller = place[$"target/vhost/{Wwn.Of(s_subsystem)}/tpgt_1"];
        Directory.CreateDirectory(store);
        Directory.CreateDirectory($"{controller}/lun/lun_1");
        File.WriteAllText($"{store}/alias", $"{s_subsystem}\n");
        File.WriteAllText($"{store}/udev_path", "/dev/pool/vm1\n");
        File.WriteAllText($"{store}/enable", "1\n");
        File.WriteAllText($"{controller}/nexus", $"{Wwn.Of(s_subsystem)}\n");
        Directory.CreateSymbolicLink($"{controller}/lun/lun_1/iblock", store);
        return controller;
    }

    private static VhostScsiTransport Transport(TemporaryDirectory place) => new(new() { Marks = place["marks"] }, place["target"]);
}
