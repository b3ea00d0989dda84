using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>A thin pool that is filled by a guest's disk, with the product. `tests/LvmTrial` does the same to the backend alone.</summary>
public sealed class FullPoolTests
{
    private const string Profile = """
        {
          "State": "/root/state", "Run": "/run/evestorage",
          "Plugins": { "Enabled": ["eve.lvm"] },
          "Pools": {
            "small": { "Kind": "lvm", "Devices": ["serial:small"], "Options": { "MaxVolumes": 16 } },
            "other": { "Kind": "lvm", "Devices": ["serial:other"], "Options": { "MaxVolumes": 16 } }
          }
        }
        """;

    [Fact]
    public async Task Warnings_come_before_a_pool_is_full_its_writers_get_no_room_and_all_else_lives()
    {
        Guest.RequireLong();
        Guest.Require();
        using TemporaryDirectory place = new();
        string[] drives = ["small", "other", "more"];
        await using HostedGuest hosted = await HostedGuest.StartAsync(
            Profile, ["--smp", "1", .. drives.SelectMany(serial => (string[])["--disk", $"{Drive.Make(place.Path, serial, ByteSize.MiB(192))}"])]);
        Guest guest = hosted.Guest;
        await hosted.ServeAsync();
        foreach (string pool in (string[])["small", "other"])
        {
            await hosted.ChangeAsync($$"""{"change":"create-pool","pool":"{{pool}}"}""");
            await hosted.ChangeAsync($$"""{"change":"create-volume","pool":"{{pool}}","volume":"disk","size":{{512 << 20}}}""");
        }

        long mebibytes = (await hosted.GetAsync("pools/small")).GetProperty("status").GetProperty("size").GetInt64() >> 20;
        await WriteAsync(guest, "small", 0, mebibytes * 85 / 100);
        await hosted.UntilToldAsync("pool.space: small:");

        (int code, _, string error) = await guest.TryAsync($"dd if=/dev/zero of={HostedGuest.DiskOf("small")} bs=1M seek={mebibytes * 85 / 100} oflag=direct conv=nocreat", 300);
        code.ShouldNotBe(0);
        error.ShouldContain("No space left on device");
        (await hosted.GetAsync("pools/small")).GetProperty("status").GetProperty("problems").GetRawText().ShouldContain("the pool is full and writes fail");

        await WriteAsync(guest, "other", 0, 4);
        (await hosted.GetAsync("pools/other")).GetProperty("status").GetProperty("problems").GetArrayLength().ShouldBe(0);
        (await guest.RunAsync($"dd if={HostedGuest.DiskOf("small")} bs=1M count={mebibytes / 2} iflag=direct status=none | tr -d 'x' | wc -c")).ShouldBe("0");

        await hosted.ChangeAsync("""{"change":"add-drive","pool":"small","device":"serial:more"}""");
        await hosted.UntilToldAsync("pool.healthy: small:");
        await WriteAsync(guest, "small", mebibytes, 8);
    }

    private static Task<string> WriteAsync(Guest guest, string pool, long from, long count)
        => guest.RunAsync($"yes x | tr -d '\\n' | dd of={HostedGuest.DiskOf(pool)} bs=1M seek={from} count={count} iflag=fullblock oflag=direct conv=nocreat status=none", 300);
}
