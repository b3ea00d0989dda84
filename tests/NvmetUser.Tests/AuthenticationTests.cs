using EveStorage.NvmeOf;
using EveStorage.NvmetUser;

namespace EveStorage.Tests;

/// <summary>DH-HMAC-CHAP with our own initiator. The lab has the kernel's.</summary>
public sealed class AuthenticationTests
{
    private static readonly AllowedHost s_oneWay = new(TestTarget.Host, new("host1"));
    private static readonly AllowedHost s_bothWays = s_oneWay with { ControllerKey = new("controller1") };

    public static TheoryData<DhChapHash, DhChapGroup> Exchanges => new()
    {
        { DhChapHash.Sha256, DhChapGroup.Null },
        { DhChapHash.Sha384, DhChapGroup.Ffdhe2048 },
        { DhChapHash.Sha512, DhChapGroup.Ffdhe3072 },
        { DhChapHash.Sha256, DhChapGroup.Ffdhe4096 },
        { DhChapHash.Sha512, DhChapGroup.Ffdhe8192 },
    };

    [Theory]
    [MemberData(nameof(Exchanges))]
    public async Task A_host_with_the_right_key_reads_and_writes_on_every_queue_and_so_does_one_that_asks_for_the_controllers(DhChapHash hash, DhChapGroup group)
    {
        await using TestTarget target = await ExportedAsync(s_bothWays, o => (o.AuthenticationHash, o.AuthenticationGroup) = (hash, group));

        foreach (DhChapSecret? controller in (DhChapSecret?[])[null, TestKeys.Secret("controller1")])
        {
            await using NvmeTcpInitiator initiator = await target.ConnectAsync(o => o with { Secret = TestKeys.Secret("host1"), ControllerSecret = controller, Queues = 2 });
            await initiator.WriteAsync(1, 0, new byte[4096], WriteDurability.Cached, CancellationToken.None);
            await initiator.ReadAsync(1, 0, new byte[4096], CancellationToken.None);
            (await target.ListAsync()).Single().ConnectedHosts.ShouldBe([TestTarget.Host]);
        }

        target.Told.ShouldNotContain(e => e.Id == "host.refused");
    }

    [Theory]
    [InlineData("host2", null, "has another key")]
    [InlineData(null, null, "left before")]
    [InlineData("host1", "controller2", "controller keys differ")]
    [InlineData("host2", "controller1", "has another key")]
    public async Task A_wrong_key_or_none_is_refused_and_told_without_a_secret(string? host, string? controller, string told)
    {
        await using TestTarget target = await ExportedAsync(s_bothWays);

        StorageException e = await Should.ThrowAsync<StorageException>(
            () => target.ConnectAsync(o => o with { Secret = host is null ? null : TestKeys.Secret(host), ControllerSecret = controller is null ? null : TestKeys.Secret(controller) }));

        e.Kind.ShouldBe(StorageErrorKind.Unavailable);
        await TestTarget.UntilAsync(() => target.Told.Any(t => t.Id == "host.refused" && t.Message.Contains(told)), string.Join("; ", target.Told));
        target.Told.ShouldNotContain(t => t.Id == "host.connected");
        (await target.ListAsync()).Single().ConnectedHosts.ShouldBeEmpty();
        await TestTarget.UntilAsync(() => target.Target.ConnectionCount == 0, "the connection is still there");
        target.Target.FindController(1).ShouldBeNull();
    }

    [Fact]
    public async Task A_controller_key_that_the_export_does_not_name_or_a_target_that_asks_for_none_proves_nothing()
    {
        await using TestTarget oneWay = await ExportedAsync(s_oneWay);
        await using TestTarget open = await ExportedAsync(new(TestTarget.Host, null));

        foreach (TestTarget target in (TestTarget[])[oneWay, open])
        {
            StorageException e = await Should.ThrowAsync<StorageException>(
                () => target.ConnectAsync(o => o with { Secret = TestKeys.Secret("host1"), ControllerSecret = TestKeys.Secret("controller1") }));
            e.Kind.ShouldBe(StorageErrorKind.Unavailable);
        }
    }

    [Fact]
    public async Task A_host_that_does_not_offer_the_hash_or_the_group_of_the_options_is_refused()
    {
        await using TestTarget target = await ExportedAsync(s_oneWay);

        await Should.ThrowAsync<StorageException>(() => target.ConnectAsync(o => o with { Secret = TestKeys.Secret("host1"), Groups = [DhChapGroup.Null] }));
        await Should.ThrowAsync<StorageException>(() => target.ConnectAsync(o => o with { Secret = TestKeys.Secret("host1"), Hashes = [DhChapHash.Sha512] }));

        await TestTarget.UntilAsync(() => target.Told.Count(t => t.Message.Contains("does not offer")) == 2, string.Join("; ", target.Told));
    }

    [Fact]
    public async Task Nothing_but_the_proof_is_taken_before_it_on_either_queue()
    {
        await using TestTarget target = await ExportedAsync(s_oneWay);
        using RawHost admin = await RawHost.InitializedAsync(target);

        CompletionEntry connected = await admin.ConnectAsync(0, 32, ConnectData.AnyController);

        connected.Result.ShouldBe(1u | ConnectData.AuthenticationRequired);
        NvmeCommand enable = new() { Opcode = (byte)AdminOpcode.Fabrics, Dword11 = ControllerProperty.Configuration, Dword12 = ControllerProperty.EnabledConfiguration };
        (await admin.RunAsync(enable)).Status.ShouldBe(NvmeStatus.AuthenticationRequired);
        (await admin.RunAsync(NvmeCommand.Identify(IdentifyStructure.Controller, 0))).Status.ShouldBe(NvmeStatus.AuthenticationRequired);
        (await admin.RunAsync(NvmeCommand.Authentication(FabricsType.AuthenticationSend, 8) with { Dword10 = 0 }, new byte[8])).Status.ShouldBe(NvmeStatus.InvalidField);
        using RawHost io = await RawHost.InitializedAsync(target);
        (await io.ConnectAsync(1, 32, 1)).Status.IsSuccess.ShouldBeFalse();

        await using NvmeTcpInitiator proven = await target.ConnectAsync(o => o with { Secret = TestKeys.Secret("host1"), Queues = 0 });
        using RawHost thief = await RawHost.InitializedAsync(target);
        byte[] data = new byte[ConnectData.Size];
        new ConnectData(target.Options().HostId, 2, $"{TestTarget.Subsystem}", $"{TestTarget.Host}").Write(data);
        (await thief.RunAsync(RawHost.ConnectCommand(1, 32), data)).Result.ShouldBe(2u | ConnectData.AuthenticationRequired);
        (await thief.RunAsync(NvmeCommand.Blocks(IoOpcode.Read, 1, 0, 1))).Status.ShouldBe(NvmeStatus.AuthenticationRequired);
    }

    [Fact]
    public async Task A_host_whose_key_is_changed_is_cut_and_comes_back_with_the_new_one_only()
    {
        await using TestTarget target = await ExportedAsync(s_oneWay);
        await using NvmeTcpInitiator before = await target.ConnectAsync(o => o with { Secret = TestKeys.Secret("host1") });

        await target.ExportAsync(TestTarget.Spec() with { AllowedHosts = [new(TestTarget.Host, new("host3"))] }, new MemoryBlocks(1 << 20));

        await TestTarget.UntilAsync(() => target.Target.ConnectionCount == 0, "it is still connected");
        await Should.ThrowAsync<StorageException>(async () => await before.ReadAsync(1, 0, new byte[512], CancellationToken.None));
        await Should.ThrowAsync<StorageException>(() => target.ConnectAsync(o => o with { Secret = TestKeys.Secret("host1") }));
        await using NvmeTcpInitiator after = await target.ConnectAsync(o => o with { Secret = TestKeys.Secret("host3") });
    }

    [Fact]
    public async Task Lines_to_connect_name_the_host_and_a_file_for_each_key_and_tell_none()
    {
        await using TestTarget keyed = await ExportedAsync(s_bothWays);
        await using TestTarget open = await ExportedAsync(new(TestTarget.Host, null));
        string Connect(string address) => $"nvme connect --transport=tcp --traddr={address} --trsvcid={keyed.Target.Address!.Port} --nqn={TestTarget.Subsystem} --hostnqn={TestTarget.Host} --hostid={ConnectLines.HostIdOf(TestTarget.Host)}"
            + " --dhchap-secret=\"$(cat KEYFILE)\" --dhchap-ctrl-secret=\"$(cat CONTROLLERKEYFILE)\"";

        IReadOnlyDictionary<string, string> lines = (await keyed.ListAsync()).Single().Lines;

        lines["nvme connect"].ShouldBe(Connect("127.0.0.1"));
        lines["nvme connect in the qemu guest"].ShouldBe(Connect("10.0.2.2"));
        lines.ContainsKey("dracut in the qemu guest").ShouldBeFalse();
        (await open.ListAsync()).Single().Lines["dracut in the qemu guest"].ShouldBe($"rd.nvmf.hostnqn={TestTarget.Host} rd.nvmf.hostid={ConnectLines.HostIdOf(TestTarget.Host)} rd.nvmf.discover=tcp,10.0.2.2,,{open.Target.Address!.Port}");
    }

    [Fact]
    public async Task A_key_that_is_missing_or_does_not_fit_is_refused_while_planning()
    {
        await using TestTarget target = await ExportedAsync(s_oneWay, o => o.RequireAuthentication = true);
        await using TestTarget keyless = new();

        await ShouldRefuseAsync(target, new(TestTarget.OtherHost, new("none")), StorageErrorKind.NotFound, "none");
        await ShouldRefuseAsync(target, new(TestTarget.OtherHost, new("short")), StorageErrorKind.InvalidConfiguration, "32, 48 or 64");
        await ShouldRefuseAsync(target, new(TestTarget.OtherHost, null), StorageErrorKind.InvalidConfiguration, nameof(NvmetUserOptions.RequireAuthentication));
        await ShouldRefuseAsync(target, new(TestTarget.OtherHost, null) { ControllerKey = new("c") }, StorageErrorKind.InvalidConfiguration, "of its own");
        await ShouldRefuseAsync(target, new(TestTarget.Host, new("host2")), StorageErrorKind.Conflict, "data/vm1");
        await ShouldRefuseAsync(keyless, s_oneWay, StorageErrorKind.InvalidConfiguration, "source of keys");

        static async Task ShouldRefuseAsync(TestTarget target, AllowedHost host, StorageErrorKind kind, string because)
        {
            ExportSpec spec = TestTarget.Spec(2) with { AllowedHosts = [host] };
            StorageException e = await Should.ThrowAsync<StorageException>(
                async () => await target.Transport.PlanExportAsync(spec, TestTarget.Access(new MemoryBlocks(1 << 20)), CancellationToken.None));
            e.Kind.ShouldBe(kind, e.Message);
            e.Message.ShouldContain(because);
        }
    }

    private static async Task<TestTarget> ExportedAsync(AllowedHost host, Action<NvmetUserOptions>? configure = null)
    {
        TestTarget target = new(configure, keys: new TestKeys());
        await target.ExportAsync(TestTarget.Spec() with { AllowedHosts = [host] }, new MemoryBlocks(1 << 20));
        return target;
    }
}
