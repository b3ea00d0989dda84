using EveStorage.NvmetLoop;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The links to the devices of nvmet-loop. They are made of names; no device has to be there.</summary>
public sealed class LocalDevicesTests : IDisposable
{
    private readonly TemporaryDirectory _place = new();

    [Fact]
    public void The_link_of_a_volume_leaves_those_of_all_other_names_alone()
    {
        string[] names = ["a", "a.new", "a.tmp", "a-new"];
        foreach (string name in names.Reverse())
        {
            LocalDevices.Link(_place[$"data/{name}"], $"/dev/{name}");
        }

        names.Select(name => new FileInfo(_place[$"data/{name}"]).LinkTarget).ShouldBe(names.Select(name => $"/dev/{name}"));
    }

    [Fact]
    public void What_a_crash_left_of_making_a_link_is_no_link_of_a_volume_and_goes_with_it()
    {
        LocalDevices devices = new(_place.Path);
        LocalDevices.Link(_place["data/vm1"], "/dev/nvme0n1");
        File.CreateSymbolicLink(_place["data/.vm1"], "/dev/nvme7n1");

        devices.LinkTo("/dev/nvme7n1").ShouldBeNull();
        devices.LinkTo("/dev/nvme0n1").ShouldBe(_place["data/vm1"]);
        devices.Unlink(_place["data/vm1"]);

        Directory.Exists(_place["data"]).ShouldBeFalse();
    }

    public void Dispose() => _place.Dispose();
}
