using System.Text.Json;
using EveStorage.Host.Devices;
using EveStorage.Linux;

namespace EveStorage.Tests;

public class BlockDevicesTests
{
    [Fact]
    public async Task The_drives_that_are_listed_are_those_of_lsblk()
    {
        using JsonDocument told = await Command.Find("lsblk")!.RunJsonAsync(["--json", "--bytes", "--nodeps", "--output", "NAME,SIZE,ROTA,TYPE"], default);
        IEnumerable<string> expected = told.RootElement.GetProperty("blockdevices").EnumerateArray()
            .Where(device => device.GetProperty("size").GetInt64() > 0 && device.GetProperty("type").GetString() == "disk")
            .Select(device => $"{device.GetProperty("name").GetString()} {device.GetProperty("size").GetInt64()} {device.GetProperty("rota").GetBoolean()}");

        BlockDevices.List().Select(device => $"{device.Name} {device.Size.Bytes} {device.Rotational}").ShouldBe(expected, ignoreOrder: true);
    }
}
