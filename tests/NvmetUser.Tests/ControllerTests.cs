using System.Buffers.Binary;
using EveStorage.NvmeOf;
using EveStorage.NvmetUser;

namespace EveStorage.Tests;

public sealed class ControllerTests
{
    [Fact]
    public async Task Ids_and_serial_come_from_the_volumes_id()
    {
        await using TestTarget target = new();
        ExportSpec spec = TestTarget.Spec(3);
        await target.ExportAsync(spec, new MemoryBlocks(1 << 20));
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        NamespaceIdentity identity = await initiator.IdentifyNamespaceAsync(3, CancellationToken.None);
        byte[] descriptors = await initiator.IdentifyAsync(IdentifyStructure.NamespaceIdentification, 3, CancellationToken.None);

        identity.Id.ShouldBe(spec.VolumeId);
        identity.Size.ShouldBe(ByteSize.MiB(1));
        NamespaceIdentity.ReadUuid(descriptors).ShouldBe(spec.VolumeId);
        initiator.Controller.Serial.ShouldBe(spec.VolumeId.ToString("N")[..20]);
        initiator.Controller.Subsystem.ShouldBe($"{TestTarget.Subsystem}");
    }

    [Fact]
    public async Task Every_structure_that_Linux_identifies_by_is_there_and_others_are_refused()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        foreach (IdentifyStructure structure in Enum.GetValues<IdentifyStructure>())
        {
            uint about = structure is IdentifyStructure.ActiveNamespaces or IdentifyStructure.CommandSetActiveNamespaces ? 0u : 1;
            await initiator.IdentifyAsync(structure, about, CancellationToken.None);
        }

        CompletionEntry other = await initiator.SubmitAdminAsync(NvmeCommand.Identify((IdentifyStructure)0x55, 1), new byte[4096], default, CancellationToken.None);
        other.Status.ShouldBe(NvmeStatus.InvalidField);
        (await initiator.IdentifyAsync(IdentifyStructure.Namespace, 9, CancellationToken.None)).ShouldAllBe(b => b == 0);
        CompletionEntry all = await initiator.SubmitAdminAsync(NvmeCommand.Identify(IdentifyStructure.Namespace, uint.MaxValue), new byte[4096], default, CancellationToken.None);
        all.Status.ShouldBe(NvmeStatus.InvalidNamespace);
    }

    [Fact]
    public async Task Log_pages_are_there_in_whole_and_in_part_and_an_unknown_one_is_refused()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();
        await initiator.ReadAsync(1, 0, new byte[4096], CancellationToken.None);

        byte[] health = await initiator.GetLogPageAsync(LogPage.Health, 512, 0, CancellationToken.None);
        byte[] effects = await initiator.GetLogPageAsync(LogPage.CommandEffects, 4096, 0, CancellationToken.None);
        byte[] part = await initiator.GetLogPageAsync(LogPage.CommandEffects, 8, 1024 + 4, CancellationToken.None);
        await initiator.GetLogPageAsync(LogPage.Error, 64, 0, CancellationToken.None);
        await initiator.GetLogPageAsync(LogPage.Firmware, 512, 0, CancellationToken.None);

        BinaryPrimitives.ReadUInt64LittleEndian(health.AsSpan(64)).ShouldBe(1ul);
        part.ShouldBe(effects[(1024 + 4)..(1024 + 12)]);
        part[0].ShouldBe((byte)3);
        (await LogAsync((LogPage)0x0C, 16, 0)).ShouldBe(NvmeStatus.InvalidLogPage);
        (await LogAsync(LogPage.Health, 16, 1 << 20)).ShouldBe(NvmeStatus.InvalidField);
        (await LogAsync(LogPage.Health, 16, 3)).ShouldBe(NvmeStatus.InvalidField);

        async Task<NvmeStatus> LogAsync(LogPage page, int length, ulong offset)
            => (await initiator.SubmitAdminAsync(NvmeCommand.LogPage(page, length, offset), new byte[length], default, CancellationToken.None)).Status;
    }

    [Fact]
    public async Task Features_are_read_and_set_as_far_as_they_can_be()
    {
        await using TestTarget target = new(o => o.MaxQueues = 4);
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        await using NvmeTcpInitiator initiator = await target.ConnectAsync(o => o with { Queues = 9 });

        initiator.Queues.ShouldBe(4);
        (await FeatureAsync(AdminOpcode.GetFeatures, 0x07)).Result.ShouldBe(0x30003ul);
        (await FeatureAsync(AdminOpcode.GetFeatures, 0x06)).Result.ShouldBe(1ul);
        (await FeatureAsync(AdminOpcode.GetFeatures, 0x0F)).Result.ShouldBe(15000ul);
        (await FeatureAsync(AdminOpcode.SetFeatures, 0x06, 0)).Status.ShouldBe(NvmeStatus.FeatureNotChangeable);
        (await FeatureAsync(AdminOpcode.SetFeatures, 0x0F, 700_000)).Status.ShouldBe(NvmeStatus.KeepAliveInvalid);
        (await FeatureAsync(AdminOpcode.SetFeatures, 0x8000000B, 0)).Status.ShouldBe(NvmeStatus.FeatureNotSaveable);
        (await FeatureAsync(AdminOpcode.SetFeatures, 0x07, 0)).Status.ShouldBe(NvmeStatus.CommandSequenceError);
        (await FeatureAsync(AdminOpcode.GetFeatures, 0x55)).Status.ShouldBe(NvmeStatus.InvalidField);
        byte[] hostId = new byte[16];
        NvmeCommand getHostId = new() { Opcode = (byte)AdminOpcode.GetFeatures, Dword10 = 0x81, Dword11 = 1 };
        (await initiator.SubmitAdminAsync(getHostId, hostId, default, CancellationToken.None)).Status.ShouldBe(NvmeStatus.Success);
        new Guid(hostId, bigEndian: true).ShouldBe(target.Options().HostId);

        async Task<CompletionEntry> FeatureAsync(AdminOpcode opcode, uint feature, uint value = 0)
            => await initiator.SubmitAdminAsync(new() { Opcode = (byte)opcode, Dword10 = feature, Dword11 = value }, default, default, CancellationToken.None);
    }

    [Fact]
    public async Task An_abort_says_that_it_did_not_and_more_event_requests_than_the_limit_are_refused()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        CompletionEntry abort = await initiator.SubmitAdminAsync(new() { Opcode = (byte)AdminOpcode.Abort, Dword10 = 0x50001 }, default, default, CancellationToken.None);
        CompletionEntry fifth = await initiator.SubmitAdminAsync(new() { Opcode = (byte)AdminOpcode.AsyncEventRequest }, default, default, CancellationToken.None);

        abort.Status.ShouldBe(NvmeStatus.Success);
        abort.Result.ShouldBe(1ul);
        fifth.Status.ShouldBe(NvmeStatus.EventLimitExceeded);
        (await initiator.SubmitAdminAsync(new() { Opcode = 0x80 }, default, default, CancellationToken.None)).Status.ShouldBe(NvmeStatus.InvalidOpcode);
    }

    [Fact]
    public async Task A_shutdown_completes_and_a_disabled_controller_takes_no_commands()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        await initiator.SetPropertyAsync(ControllerProperty.Configuration, ControllerProperty.EnabledConfiguration | ControllerProperty.NormalShutdown, CancellationToken.None);
        ulong status = await initiator.GetPropertyAsync(ControllerProperty.Status, large: false, CancellationToken.None);
        await initiator.SetPropertyAsync(ControllerProperty.Configuration, 0, CancellationToken.None);

        status.ShouldBe(ControllerProperty.Ready | ControllerProperty.ShutdownComplete);
        CompletionEntry identify = await initiator.SubmitAdminAsync(NvmeCommand.Identify(IdentifyStructure.Controller, 0), new byte[4096], default, CancellationToken.None);
        identify.Status.ShouldBe(NvmeStatus.CommandSequenceError);
        await Should.ThrowAsync<StorageException>(async () => await initiator.ReadAsync(1, 0, new byte[512], CancellationToken.None));
    }

    [Fact]
    public async Task A_host_that_gives_no_sign_of_life_is_disconnected_with_all_its_queues()
    {
        ManualTime time = new();
        await using TestTarget target = new(time: time);
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        using RawHost silent = await RawHost.AdminAsync(target, keepAlive: 100);
        await using NvmeTcpInitiator alive = await target.ConnectAsync(o => o with { KeepAlive = TimeSpan.FromSeconds(60) });

        time.Advance(TimeSpan.FromSeconds(2));
        (await silent.ReadPduAsync()).ShouldBeNull();
        time.Advance(TimeSpan.FromSeconds(50));

        await alive.ReadAsync(1, 0, new byte[512], CancellationToken.None);
        silent.Dispose();
        await TestTarget.UntilAsync(() => target.Told.Any(e => e.Id == "host.disconnected"), "nobody said that the host is gone");
        await TestTarget.UntilAsync(() => target.Target.ConnectionCount == 2, "the silent host's connection is still there");
    }

    [Fact]
    public async Task Fields_lie_where_the_specifications_draw_them()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec() with { ReadOnly = true }, new MemoryBlocks(1 << 20));
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        byte[] independent = await initiator.IdentifyAsync(IdentifyStructure.IndependentNamespace, 1, CancellationToken.None);
        byte[] ns = await initiator.IdentifyAsync(IdentifyStructure.Namespace, 1, CancellationToken.None);
        byte[] controller = await initiator.IdentifyAsync(IdentifyStructure.Controller, 0, CancellationToken.None);

        (independent[1], independent[8], independent[13], independent[14]).ShouldBe(((byte)1, (byte)1, (byte)0, (byte)1));   // NMIC, NSATTR, ENDGID, NSTAT
        (ns[30], ns[99], ns[130]).ShouldBe(((byte)1, (byte)1, (byte)9));   // NMIC, NSATTR, LBAF0
        (controller[77], controller[111], controller[525]).ShouldBe(((byte)5, (byte)1, (byte)5));   // MDTS, CNTRLTYPE, VWC
    }

    [Fact]
    public async Task Health_warnings_may_be_enabled_which_SPDK_does_and_what_nobody_offers_may_not()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        (await SetAsync(0x1FF)).ShouldBe(NvmeStatus.Success);
        (await SetAsync(0xFF)).ShouldBe(NvmeStatus.Success);
        (await SetAsync(0x200)).ShouldBe(NvmeStatus.InvalidField);

        async Task<NvmeStatus> SetAsync(uint events)
        {
            NvmeCommand set = new() { Opcode = (byte)AdminOpcode.SetFeatures, Dword10 = (uint)Feature.AsyncEventConfiguration, Dword11 = events };
            return (await initiator.SubmitAdminAsync(set, default, default, CancellationToken.None)).Status;
        }
    }

    [Fact]
    public async Task A_controller_that_was_disabled_has_forgotten_its_events_and_takes_as_many_requests_as_a_new_one()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        using RawHost host = await RawHost.AdminAsync(target);
        NvmeCommand request = new() { Opcode = (byte)AdminOpcode.AsyncEventRequest };
        for (int round = 0; round < 2; round++)
        {
            await host.RunAsync(new() { Opcode = (byte)AdminOpcode.Fabrics, Dword11 = ControllerProperty.Configuration, Dword12 = ControllerProperty.EnabledConfiguration });
            for (ushort id = 0; id < ControllerIdentity.AsyncEventLimit; id++)
            {
                host.Send(host.Capsule(request, id, [], default));
            }

            (await host.RunAsync(request)).Status.ShouldBe(NvmeStatus.EventLimitExceeded);
            await target.ExportAsync(TestTarget.Spec(2 + round), new MemoryBlocks(1 << 20));
            await host.RunAsync(new() { Opcode = (byte)AdminOpcode.Fabrics, Dword11 = ControllerProperty.Configuration, Dword12 = 0 });
        }
    }

    [Fact]
    public void A_controller_takes_queues_only_between_its_enabling_and_its_end()
    {
        Controller controller = new(1, new(default, 1, $"{TestTarget.Subsystem}", $"{TestTarget.Host}"), null!, new());

        controller.TryAdd(1, null!).ShouldBeFalse();
        controller.TakeQueues();
        controller.CutQueues();
        controller.TryAdd(1, null!).ShouldBeFalse();
        controller.TakeQueues();
        controller.TryAdd(1, null!).ShouldBeTrue();
    }

    [Theory]
    [InlineData(0, 31, 0)]
    [InlineData(0, 2000, 0)]
    [InlineData(1, 128, 0)]
    [InlineData(0, 32, 700_000)]
    public async Task A_connect_with_a_queue_or_a_time_out_that_can_not_be_is_refused(int queue, int size, int keepAlive)
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        using RawHost host = await RawHost.InitializedAsync(target);

        CompletionEntry refused = await host.ConnectAsync(queue, size, ConnectData.AnyController, (uint)keepAlive);

        (refused.Status.Is(NvmeStatus.ConnectInvalidParameters) || refused.Status.Is(NvmeStatus.KeepAliveInvalid)).ShouldBeTrue($"{refused}");
    }

    [Fact]
    public async Task Nothing_but_a_connect_is_taken_before_the_connect_and_none_after_it()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));
        using RawHost host = await RawHost.InitializedAsync(target);

        (await host.RunAsync(new() { Opcode = (byte)AdminOpcode.KeepAlive })).Status.ShouldBe(NvmeStatus.CommandSequenceError);
        (await host.ConnectAsync(0, 32, ConnectData.AnyController)).Status.ShouldBe(NvmeStatus.Success);
        (await host.ConnectAsync(0, 32, ConnectData.AnyController)).Status.ShouldBe(NvmeStatus.CommandSequenceError);
    }

    [Fact]
    public async Task An_io_queue_is_only_for_the_host_of_its_controller_and_only_once()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(1, TestTarget.Host, TestTarget.OtherHost), new MemoryBlocks(1 << 20));
        (RawHost admin, RawHost io) = await RawHost.IoAsync(target);
        using RawHost first = admin;
        using RawHost second = io;
        using RawHost other = await RawHost.InitializedAsync(target);

        (await other.ConnectAsync(2, 32, 1, host: TestTarget.OtherHost)).Status.ShouldBe(NvmeStatus.ConnectInvalidParameters);
        (await other.ConnectAsync(1, 32, 1)).Status.ShouldBe(NvmeStatus.CommandSequenceError);
        (await other.ConnectAsync(99, 32, 1)).Status.ShouldBe(NvmeStatus.ConnectInvalidParameters);
        (await other.ConnectAsync(2, 32, 1)).Status.ShouldBe(NvmeStatus.Success);
    }
}
