using System.Text.Json;

namespace EveStorage.Tests;

/// <summary>Exports whose hosts prove keys of the profile's source, by the product, its two targets and the kernel's own initiator.</summary>
public sealed class KeyedExportTests
{
    private const string Host = "nqn.2014-08.org.example:keyed";

    private const string Profile = """
        {
          "State": "/root/state", "Run": "/run/evestorage",
          "Plugins": { "Enabled": ["eve.file", "eve.keys", "eve.nvmet-tcp", "eve.nvmet-user"] },
          "Keys": { "Kind": "key-file", "Options": { "Directory": "/run/keys" } },
          "Pools": { "data": { "Kind": "file", "Devices": ["/root/pool"] } },
          "Transports": { "kernel": { "Kind": "nvmet-tcp" }, "user": { "Kind": "nvmet-user", "Options": { "Port": 4421 } } }
        }
        """;

    private static readonly string[] s_keys = ["host1", "controller1", "stranger"];

    [Fact]
    public async Task A_host_connects_with_the_files_of_its_keys_and_with_no_others_on_either_target()
    {
        Guest.RequireLong();
        Guest.Require();
        await using HostedGuest hosted = await HostedGuest.StartAsync(Profile, "--smp", "1");
        Guest guest = hosted.Guest;
        await guest.RunAsync("modprobe -a nvme-tcp nvmet; mkdir -m 0700 /run/keys; mkdir -m 0700 /root/guest");
        foreach (string key in s_keys)
        {
            await guest.RunAsync($"set -e; umask 077; nvme gen-dhchap-key -n {Host} > /root/guest/{key}; cp /root/guest/{key} /run/keys/{key}");
        }

        await hosted.ServeAsync();
        await hosted.ChangeAsync("""{"change":"create-pool","pool":"data"}""");
        await RequireKeysAsync(hosted, "kernel");
        await RequireKeysAsync(hosted, "user");

        (await guest.TryAsync("grep -r -l DHHC-1 /root/state /root/daemon.log /root/pool")).Output.ShouldBeEmpty("keys are in no record and no log");
    }

    private static async Task RequireKeysAsync(HostedGuest hosted, string transport)
    {
        await ExportAsync(hosted, $"one-way-{transport}", transport, controllerKey: null);
        await RequireAsync(hosted, $"one-way-{transport}", connects: true, "host1");
        await RequireAsync(hosted, $"one-way-{transport}", connects: false, "stranger");

        // The kernel has one pair of keys for a host.
        await hosted.ChangeAsync($$"""{"change":"remove-export","pool":"data","volume":"one-way-{{transport}}"}""");
        await ExportAsync(hosted, $"both-ways-{transport}", transport, "controller1");
        await RequireAsync(hosted, $"both-ways-{transport}", connects: true, "host1", "controller1");
        await RequireAsync(hosted, $"both-ways-{transport}", connects: false, "host1", "stranger");
        await RequireAsync(hosted, $"both-ways-{transport}", connects: false, "stranger", "controller1");
        await hosted.ChangeAsync($$"""{"change":"remove-export","pool":"data","volume":"both-ways-{{transport}}"}""");
    }

    private static async Task ExportAsync(HostedGuest hosted, string volume, string transport, string? controllerKey)
    {
        await hosted.ChangeAsync($$"""{"change":"create-volume","pool":"data","volume":"{{volume}}","size":{{8 << 20}}}""");
        string controllerKeys = controllerKey is null ? "" : $$""","controllerKeys":{"{{Host}}":"{{controllerKey}}"}""";
        await hosted.ChangeAsync(
            $$"""{"change":"add-export","pool":"data","volume":"{{volume}}","transport":"{{transport}}","allowedHosts":{"{{Host}}":"host1"}{{controllerKeys}}}""");
    }

    /// <summary>Runs the line that the export gives for it, with the files of keys that the guest has.</summary>
    private static async Task RequireAsync(HostedGuest hosted, string volume, bool connects, string hostKey, string? controllerKey = null)
    {
        JsonElement export = (await hosted.GetAsync("exports")).EnumerateArray().Single(e => e.GetProperty("volume").GetString() == $"data/{volume}");
        string line = export.GetProperty("lines").GetProperty("nvme connect").GetString()!;
        line.Contains("CONTROLLERKEYFILE", StringComparison.Ordinal).ShouldBe(controllerKey is not null, line);
        line = line.Replace("CONTROLLERKEYFILE", $"/root/guest/{controllerKey}", StringComparison.Ordinal).Replace("KEYFILE", $"/root/guest/{hostKey}", StringComparison.Ordinal);

        (int code, _, string error) = await hosted.Guest.TryAsync($"{line} && udevadm settle");

        (code == 0).ShouldBe(connects, $"{volume} with {hostKey} {controllerKey}: {error}\n{await hosted.Guest.RunAsync("dmesg | tail -n 5")}");
        if (connects)
        {
            string subsystem = export.GetProperty("subsystem").GetString()!;
            await hosted.Guest.RunAsync($"dd if=/dev/urandom of={Guest.Disk(subsystem)} bs=64k count=4 oflag=direct status=none; nvme disconnect -n {subsystem}");
        }
    }
}
