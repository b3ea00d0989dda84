using EveStorage.NvmeOf;

namespace EveStorage.Tests;

public sealed class ExportTests
{
    [Fact]
    public async Task A_host_that_is_not_listed_is_refused_and_told_of()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));

        NvmeCommandException refused = await Should.ThrowAsync<NvmeCommandException>(() => target.ConnectAsync(o => o with { Host = TestTarget.OtherHost }));
        NvmeCommandException unknown = await Should.ThrowAsync<NvmeCommandException>(() => target.ConnectAsync(o => o with { Subsystem = new("nqn.2026-01.org.evestorage:other") }));

        // Without "do not retry", which would make a host give its disk up when it comes back before the export does.
        refused.Status.ShouldBe(NvmeStatus.ConnectInvalidHost);
        unknown.Status.ShouldBe(NvmeStatus.ConnectInvalidParameters);
        target.Told.Count(e => e.Id == "host.refused" && e.Subject == $"{TestTarget.Subsystem}" && e.Message.Contains($"{TestTarget.OtherHost}")).ShouldBe(1);
    }

    [Fact]
    public async Task Nobody_is_allowed_when_nobody_is_listed()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec() with { AllowedHosts = [] }, new MemoryBlocks(1 << 20));

        (await Should.ThrowAsync<NvmeCommandException>(() => target.ConnectAsync())).Kind.ShouldBe(StorageErrorKind.Unavailable);
        (await NvmeTcpInitiator.DiscoverAsync(target.Options(), CancellationToken.None)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Two_exports_of_one_subsystem_are_seen_each_by_its_own_hosts()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(1, TestTarget.Host), new MemoryBlocks(1 << 20));
        await target.ExportAsync(TestTarget.Spec(2, TestTarget.Host, TestTarget.OtherHost), new MemoryBlocks(2 << 20));
        await using NvmeTcpInitiator first = await target.ConnectAsync();
        await using NvmeTcpInitiator second = await target.ConnectAsync(o => o with { Host = TestTarget.OtherHost });

        (await first.ListNamespacesAsync(CancellationToken.None)).ShouldBe([1u, 2u]);
        (await second.ListNamespacesAsync(CancellationToken.None)).ShouldBe([2u]);
        (await second.IdentifyNamespaceAsync(1, CancellationToken.None)).Blocks.ShouldBe(0ul);
        NvmeCommandException hidden = await Should.ThrowAsync<NvmeCommandException>(
            async () => await second.ReadAsync(1, 0, new byte[512], CancellationToken.None));
        hidden.Status.ShouldBe(NvmeStatus.InvalidNamespace);
        (await target.ListAsync())[1].ConnectedHosts.ShouldBe([TestTarget.Host, TestTarget.OtherHost], ignoreOrder: true);
    }

    [Fact]
    public async Task Discovery_tells_a_host_only_of_what_it_may_connect_to_and_when_that_changes()
    {
        await using TestTarget target = new();
        Nqn hidden = new("nqn.2026-01.org.evestorage:hidden");
        await target.ExportAsync(TestTarget.Spec(1), new MemoryBlocks(1 << 20));
        await target.ExportAsync(TestTarget.Spec(2, TestTarget.OtherHost) with { Subsystem = hidden }, new MemoryBlocks(1 << 20));
        NvmeTcpOptions options = target.Options() with { Subsystem = new(DiscoveryEntry.DiscoverySubsystem), Queues = 0 };
        await using NvmeTcpInitiator discovery = await NvmeTcpInitiator.ConnectAsync(options, CancellationToken.None);

        IReadOnlyList<DiscoveryEntry> before = await discovery.ReadDiscoveryLogAsync(CancellationToken.None);
        await target.ExportAsync(TestTarget.Spec(3) with { Subsystem = new("nqn.2026-01.org.evestorage:third") }, new MemoryBlocks(1 << 20));
        AsyncEvent told = await discovery.Events.ReadAsync();
        IReadOnlyList<DiscoveryEntry> after = await discovery.ReadDiscoveryLogAsync(CancellationToken.None);

        before.ShouldBe([new DiscoveryEntry($"{TestTarget.Subsystem}", "127.0.0.1", target.Target.Address!.Port)]);
        told.ShouldBe(AsyncEvent.DiscoveryChanged);
        after.Select(e => e.Subsystem).ShouldBe([$"{TestTarget.Subsystem}", "nqn.2026-01.org.evestorage:third"]);
        discovery.Controller.Type.ShouldBe((byte)2);
    }

    [Fact]
    public async Task Adding_growing_and_removing_a_namespace_is_told_and_its_number_is_in_the_log()
    {
        await using TestTarget target = new();
        MemoryBlocks growing = new(1 << 20);
        ExportSpec first = TestTarget.Spec(1);
        await target.ExportAsync(first, growing);
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();

        await target.ExportAsync(TestTarget.Spec(2), new MemoryBlocks(1 << 20));
        await ShouldBeToldAsync(2);
        growing.Grow(2 << 20);
        (await target.ResizeAsync(first)).ShouldBe(StepOutcome.Changed);
        await ShouldBeToldAsync(1);
        (await initiator.IdentifyNamespaceAsync(1, CancellationToken.None)).Size.ShouldBe(ByteSize.MiB(2));
        await initiator.ReadAsync(1, 2 * 1048576 - 512, new byte[512], CancellationToken.None);
        (await target.ResizeAsync(first)).ShouldBe(StepOutcome.AlreadySo);
        await target.UnexportAsync(TestTarget.Spec(2));
        await ShouldBeToldAsync(2);
        (await initiator.ListNamespacesAsync(CancellationToken.None)).ShouldBe([1u]);

        async Task ShouldBeToldAsync(byte number)
        {
            (await initiator.Events.ReadAsync()).ShouldBe(AsyncEvent.NamespacesChanged);
            (await initiator.GetLogPageAsync(LogPage.ChangedNamespaces, 4096, 0, CancellationToken.None))[..8].ShouldBe([number, 0, 0, 0, 0, 0, 0, 0]);
        }
    }

    [Fact]
    public async Task A_host_taken_off_the_list_loses_its_namespace_at_once_and_the_others_go_on()
    {
        await using TestTarget target = new();
        MemoryBlocks blocks = new(1 << 20);
        await target.ExportAsync(TestTarget.Spec(1, TestTarget.Host, TestTarget.OtherHost), blocks);
        await using NvmeTcpInitiator first = await target.ConnectAsync();
        await using NvmeTcpInitiator second = await target.ConnectAsync(o => o with { Host = TestTarget.OtherHost });

        await target.ExportAsync(TestTarget.Spec(1, TestTarget.Host), blocks);

        NvmeCommandException gone = await Should.ThrowAsync<NvmeCommandException>(async () => await second.ReadAsync(1, 0, new byte[512], CancellationToken.None));
        gone.Status.ShouldBe(NvmeStatus.InvalidNamespace);
        await first.ReadAsync(1, 0, new byte[512], CancellationToken.None);
        blocks.IsDisposed.ShouldBeFalse();
    }

    [Fact]
    public async Task Ending_an_export_lets_its_commands_end_and_closes_the_volume()
    {
        await using TestTarget target = new();
        MemoryBlocks blocks = new(1 << 20) { Cached = false, Gate = new() };
        await target.ExportAsync(TestTarget.Spec(), blocks);
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();
        Task reading = initiator.ReadAsync(1, 0, new byte[4096], CancellationToken.None).AsTask();
        await TestTarget.UntilAsync(() => blocks.Begun == 1, "the read has not begun");

        Task ending = target.UnexportAsync(TestTarget.Spec());
        await Task.Delay(50);
        (ending.IsCompleted || blocks.IsDisposed).ShouldBeFalse();
        blocks.Gate.SetResult();
        await reading;
        await ending;

        blocks.IsDisposed.ShouldBeTrue();
    }

    [Fact]
    public async Task Stopping_ends_what_is_being_done_and_closes_everything()
    {
        TestTarget target = new();
        MemoryBlocks blocks = new(1 << 20) { Cached = false, Gate = new() };
        await target.ExportAsync(TestTarget.Spec(), blocks);
        await using NvmeTcpInitiator initiator = await target.ConnectAsync();
        Task reading = initiator.ReadAsync(1, 0, new byte[4096], CancellationToken.None).AsTask();
        await TestTarget.UntilAsync(() => blocks.Begun == 1, "the read has not begun");

        Task stopping = target.DisposeAsync().AsTask();
        await Task.Delay(50);
        blocks.Gate.SetResult();
        await reading;
        await stopping;

        blocks.IsDisposed.ShouldBeTrue();
        target.Target.ConnectionCount.ShouldBe(0);
        target.Target.Buffers.Used.ShouldBe(new(0));
    }

    [Fact]
    public async Task Who_connects_and_who_leaves_is_told()
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(1 << 20));

        NvmeTcpInitiator initiator = await target.ConnectAsync();
        (await target.ListAsync()).Single().ConnectedHosts.ShouldBe([TestTarget.Host]);
        await initiator.DisposeAsync();
        await TestTarget.UntilAsync(() => target.Told.Any(e => e.Id == "host.disconnected"), "nobody said that the host is gone");

        target.Told.Select(e => (e.Id, e.Subject)).ShouldBe([("host.connected", "data/vm1"), ("host.disconnected", "data/vm1")]);
        (await target.ListAsync()).Single().ConnectedHosts.ShouldBeEmpty();
    }
}
