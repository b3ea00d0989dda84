using EveStorage.NvmeOf;
using EveStorage.NvmetTcp;

namespace EveStorage.Tests;

/// <summary>What is planned for a tree. What the kernel makes of it is seen in the lab.</summary>
public sealed class PlanTests
{
    private const int OurPort = 58624;

    [Fact]
    public async Task An_export_on_an_empty_tree_is_served_last()
    {
        using FakeTree tree = new();

        Plan plan = await tree.PlanAsync(FakeTree.Spec);

        plan.Steps.Where(s => s.Expected == StepEffect.Change).Select(s => s.Title).ShouldBe(
        [
            $"nvmet: make subsystem {FakeTree.Subsystem}",
            $"nvmet: make host {FakeTree.Host}",
            $"nvmet: let {FakeTree.Host} use {FakeTree.Subsystem}",
            $"nvmet: serve data/vm1 (/dev/pool/vm1) as number 1 of {FakeTree.Subsystem}",
            $"nvmet: make port {OurPort} at tcp 127.0.0.1:4420",
            $"nvmet: serve {FakeTree.Subsystem} at tcp 127.0.0.1:4420",
        ]);
    }

    [Fact]
    public async Task An_export_that_is_so_is_already_so_in_each_step()
    {
        using FakeTree tree = new();
        tree.AddPort(OurPort, "127.0.0.1", "4420");
        tree.AddExport(FakeTree.Subsystem, FakeTree.Spec.VolumeId, OurPort);

        Plan plan = await tree.PlanAsync(FakeTree.Spec);

        plan.Steps.ShouldAllBe(s => s.Expected == StepEffect.AlreadySo);
    }

    [Fact]
    public async Task Another_list_of_hosts_is_a_change_of_the_list_and_of_nothing_else()
    {
        using FakeTree tree = new();
        tree.AddPort(OurPort, "127.0.0.1", "4420");
        tree.AddExport(FakeTree.Subsystem, FakeTree.Spec.VolumeId, OurPort);

        Plan plan = await tree.PlanAsync(FakeTree.Spec with { AllowedHosts = [] });

        plan.Steps.Where(s => s.Expected == StepEffect.Change).Select(s => s.Title).ShouldBe(
        [
            $"nvmet: note that volume {FakeTree.Spec.VolumeId} or hosts leave {FakeTree.Subsystem}",
            $"nvmet: let {FakeTree.Host} use {FakeTree.Subsystem} no more",
            $"nvmet: forget {FakeTree.Host}",
            $"nvmet: note that all of it has left {FakeTree.Subsystem}",
        ]);
    }

    [Fact]
    public async Task Hosts_of_one_volume_that_would_see_another_are_refused()
    {
        using FakeTree tree = new();
        tree.AddPort(OurPort, "127.0.0.1", "4420");
        tree.AddExport(FakeTree.Subsystem, Guid.NewGuid(), OurPort);
        HostNqn other = new("nqn.2014-08.org.example:other");

        StorageException e = await Should.ThrowAsync<StorageException>(
            () => tree.PlanAsync(FakeTree.Spec with { NamespaceId = 2, AllowedHosts = [new(other, Key: null)] }));

        e.Kind.ShouldBe(StorageErrorKind.NotSupported);
        e.Message.ShouldContain($"those are for {FakeTree.Host}");
    }

    [Fact]
    public async Task A_number_that_another_volume_has_is_a_conflict()
    {
        using FakeTree tree = new();
        tree.AddPort(OurPort, "127.0.0.1", "4420");
        tree.AddExport(FakeTree.Subsystem, Guid.NewGuid(), OurPort);

        (await Should.ThrowAsync<StorageException>(() => tree.PlanAsync(FakeTree.Spec))).Kind.ShouldBe(StorageErrorKind.Conflict);
    }

    [Fact]
    public async Task A_foreign_port_at_our_address_is_a_conflict_and_one_elsewhere_is_left_alone()
    {
        using FakeTree tree = new();
        tree.AddPort(1, "127.0.0.1", "4420");

        StorageException e = await Should.ThrowAsync<StorageException>(() => tree.PlanAsync(FakeTree.Spec));
        e.Kind.ShouldBe(StorageErrorKind.Conflict);
        e.Message.ShouldBe("tcp 127.0.0.1:4420: is port 1, which is not ours: configure another address");

        Plan elsewhere = await tree.PlanAsync(FakeTree.Spec, new() { Port = 4421 });
        elsewhere.Steps.ShouldContain(s => s.Title == $"nvmet: make port {OurPort} at tcp 127.0.0.1:4421");
    }

    [Theory]
    [InlineData("0x10")]
    [InlineData("010")]
    [InlineData("99999999999")]
    public async Task A_port_that_someone_else_numbered_in_another_way_is_passed_over(string name)
    {
        using FakeTree tree = new();
        tree.AddPort(OurPort, "127.0.0.1", "4420");
        tree.AddExport(FakeTree.Subsystem, FakeTree.Spec.VolumeId, OurPort);
        Directory.CreateDirectory($"{tree.Root}/ports/{name}/subsystems");
        Directory.CreateDirectory($"{tree.Root}/subsystems/{FakeTree.Subsystem}/namespaces/{name}");

        (await tree.Transport().ListExportsAsync(CancellationToken.None).CountAsync()).ShouldBe(1);
        (await tree.PlanAsync(FakeTree.Spec)).Steps.ShouldAllBe(s => s.Expected == StepEffect.AlreadySo);
    }

    [Fact]
    public async Task A_subsystem_that_is_served_elsewhere_is_a_conflict()
    {
        using FakeTree tree = new();
        tree.AddPort(OurPort, "127.0.0.1", "4420");
        tree.AddExport(FakeTree.Subsystem, FakeTree.Spec.VolumeId, OurPort);

        (await Should.ThrowAsync<StorageException>(() => tree.PlanAsync(FakeTree.Spec, new() { Port = 4421 }))).Message.ShouldContain("is served at tcp 127.0.0.1:4420");
    }

    [Theory]
    [InlineData("read-only")]
    [InlineData("limits")]
    [InlineData("no path")]
    public async Task What_nvmet_can_t_do_is_not_supported(string what)
    {
        using FakeTree tree = new();
        ExportSpec spec = what switch
        {
            "read-only" => FakeTree.Spec with { ReadOnly = true },
            "limits" => FakeTree.Spec with { Limits = new() { Iops = 100 } },
            _ => FakeTree.Spec,
        };
        VolumeAccess access = new() { Path = what == "no path" ? null : "/dev/pool/vm1" };

        StorageException e = await Should.ThrowAsync<StorageException>(() => tree.Transport().PlanExportAsync(spec, access, CancellationToken.None).AsTask());

        e.Kind.ShouldBe(StorageErrorKind.NotSupported);
        e.Subject.ShouldBe("data/vm1");
        e.Message.ShouldContain("nvmet-user");
    }

    [Fact]
    public async Task A_host_without_a_key_is_refused_at_an_address_that_others_reach_unless_it_is_allowed()
    {
        using FakeTree tree = new();

        StorageException e = await Should.ThrowAsync<StorageException>(() => tree.PlanAsync(FakeTree.Spec, new() { Address = "192.0.2.1" }));
        e.Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);
        e.Message.ShouldContain("AllowUnauthenticated");

        Plan allowed = await tree.PlanAsync(FakeTree.Spec, new() { Address = "192.0.2.1", AllowUnauthenticated = true });
        allowed.Steps.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_subsystem_that_is_not_ours_is_a_conflict()
    {
        using FakeTree tree = new();

        (await Should.ThrowAsync<StorageException>(() => tree.PlanAsync(FakeTree.Spec with { Subsystem = new("nqn.2026-01.org.example:vm1") })))
            .Kind.ShouldBe(StorageErrorKind.Conflict);
    }

    [Fact]
    public async Task An_export_lists_what_a_host_takes_over()
    {
        using FakeTree tree = new();
        tree.AddPort(OurPort, "127.0.0.1", "4420");
        tree.AddExport(FakeTree.Subsystem, FakeTree.Spec.VolumeId, OurPort);

        ExportInfo listed = (await tree.Transport().ListExportsAsync(CancellationToken.None).ToListAsync()).ShouldHaveSingleItem();

        listed.Address.ShouldBe(new Uri("tcp://127.0.0.1:4420"));
        listed.Lines["nvme connect"].ShouldBe($"nvme connect --transport=tcp --traddr=127.0.0.1 --trsvcid=4420 --nqn={FakeTree.Subsystem} --hostnqn={FakeTree.Host} --hostid={ConnectLines.HostIdOf(FakeTree.Host)}");
        listed.Lines["dracut in the qemu guest"].ShouldBe($"rd.nvmf.hostnqn={FakeTree.Host} rd.nvmf.hostid={ConnectLines.HostIdOf(FakeTree.Host)} rd.nvmf.discover=tcp,10.0.2.2,,4420");
    }

    [Fact]
    public void Every_wrong_option_is_named_at_once()
    {
        Microsoft.Extensions.Options.ValidateOptionsResult result = new NvmetTcpOptionsValidator().Validate(
            null, new() { Address = "localhost", Port = 0, Hash = "md5", DhGroup = "modp", QueueDepth = 5000, MaxQueues = 500, DrainSeconds = 0, Marks = "here", InlineDataSize = ByteSize.GiB(1) });

        foreach (string key in (string[])["Address", "Port", "Hash", "DhGroup", "QueueDepth", "MaxQueues", "DrainSeconds", "Marks", "InlineDataSize"])
        {
            result.Failures.ShouldNotBeNull().ShouldContain(f => f.Contains(key), key);
        }

        new NvmetTcpOptionsValidator().Validate(null, new()).Succeeded.ShouldBeTrue();
    }
}
