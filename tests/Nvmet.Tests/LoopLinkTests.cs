using EveStorage.NvmetLoop;
using EveStorage.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Tests;

/// <summary>The link of a volume whose device went by itself, as by `nvme disconnect-all`.</summary>
public sealed class LoopLinkTests : IDisposable
{
    private const int OurPort = 58624;

    private readonly FakeTree _tree = new();
    private readonly TemporaryDirectory _place = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_end_of_an_export_takes_the_volume_s_link_though_it_leads_to_no_device_of_its(bool served)
    {
        LocalDevices devices = new(_place.Path);
        devices.Remember(FakeTree.Spec.VolumeId, _place["data/vm1"]);
        LocalDevices.Link(_place["data/vm1"], "/dev/nvme99n1");
        LocalDevices.Link(_place["data/vm2"], "/dev/nvme99n2");
        if (served)
        {
            _tree.AddLoopPort(OurPort);
            _tree.AddExport(new($"{FakeTree.Subsystem}:loop"), FakeTree.Spec.VolumeId, OurPort);
        }

        NvmetLoopTransport transport = new(new() { Directory = _place.Path, Marks = _tree.Marks }, _tree.Root);
        Plan plan = await transport.PlanUnexportAsync(FakeTree.Spec.VolumeId, CancellationToken.None);
        StorageStep unlink = plan.Steps.Single(step => step.Title == $"nvmet-loop: remove the link {_place["data/vm1"]}");
        OperationContext context = new(new() { Id = Guid.NewGuid() }, NullLogger.Instance, new Progress<StepProgress>(), TimeProvider.System);

        (await unlink.ApplyAsync(context, CancellationToken.None)).ShouldBe(StepOutcome.Changed);
        await unlink.RevertAsync(context, CancellationToken.None);

        plan.Steps.Any(step => step.Title.Contains("take number 1 out")).ShouldBe(served);
        new FileInfo(_place["data/vm1"]).LinkTarget.ShouldBeNull("it was of no use, and comes back to nobody");
        new FileInfo(_place["data/vm2"]).LinkTarget.ShouldBe("/dev/nvme99n2");
        devices.FindLink(FakeTree.Spec.VolumeId).ShouldBeNull();
    }

    public void Dispose()
    {
        _tree.Dispose();
        _place.Dispose();
    }
}
