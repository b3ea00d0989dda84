using System.Text.Json;
using EveStorage.Host.Devices;
using EveStorage.Linux;

namespace EveStorage.Tests;

public class BlockDevicesTests
{
    [Fact]
    public async Task What_is_listed_is_what_lsblk_lists()
    {
        using JsonDocument told = await Command.Find("lsblk")!.RunJsonAsync(["--json", "--bytes", "--nodeps", "--output", "NAME,SIZE,ROTA"], default);
        IEnumerable<string> expected = told.RootElement.GetProperty("blockdevices").EnumerateArray()
            .Where(device => device.GetProperty("size").GetInt64() > 0)
            .Select(device => $"{device.GetProperty("name").GetString()} {device.GetProperty("size").GetInt64()} {device.GetProperty("rota").GetBoolean()}");

        BlockDevices.List().Select(device => $"{device.Name} {device.Size.Bytes} {device.Rotational}").ShouldBe(expected, ignoreOrder: true);
    }
}
