using System.Diagnostics;
using System.Globalization;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>
/// A real containerd, whose containers runc runs on layers in a pool of drives. Natively they run in files: the tests of the
/// plugin. Each layer is a file system of its own, in a file system of xfs.
/// </summary>
public sealed class ContainerTests(ITestOutputHelper output)
{
    private const string Place = "/run/evestorage/mounts/containers";
    private const string Image = OciArchive.Image;

    // What runs in a container; how it ends tells. A label makes its layer larger than the ordinary one.
    private const string Read = """read line < /data/greeting && [ "$line" = "from the image" ] || exit 3""";
    private const string Write = Read + """; echo written > /data/new && sync && read line < /data/new && [ $line = written ] || exit 5""";
    private const string WriteOn = "while dd if=/dev/zero of=/data/on bs=64k count=16 conv=fsync 2>/dev/null; do sleep 0.1; done; exit 6";
    private const string Fill = Read + """; case $(dd if=/dev/zero of=/data/fill bs=1M 2>&1) in *"No space left on device"*) ;; *) exit 4; esac; """ + Read + "; exec sleep 12345";
    private const int Layer = 64;
    private const int Label = 512;

    [Theory]
    [InlineData("lvm", Guest.NewKernel, 50)]
    [InlineData("zfs", Guest.NewKernelWithZfs, 10)]
    public async Task One_that_fills_its_layer_meets_its_label_one_is_removed_while_it_writes_many_come_and_go_and_nothing_is_left(string backend, string kernel, int cycles)
    {
        Guest.RequireLong();
        Guest.Require(kernel);
        using TemporaryDirectory place = new();
        await using HostedGuest hosted = await HostedGuest.StartAsync(
            Profile(backend), "--kernel", kernel, "--disk", await ContainerdDrive.MakeAsync(place), "--disk", $"{Drive.Make(place.Path, "pool", ByteSize.GiB(2))}");
        await ServeAsync(hosted);
        string before = await LeftAsync(hosted.Guest);
        long used = await UsedAsync(hosted.Guest);

        await FillAsync(hosted);
        await RemoveAsync(hosted.Guest);
        (await LeftAsync(hosted.Guest)).ShouldBe(before);
        await CycleAsync(hosted.Guest, cycles);

        (await LeftAsync(hosted.Guest)).ShouldBe(before);
        (await UsedAsync(hosted.Guest)).ShouldBeLessThan(used + (4 << 10));
    }

    private static string Profile(string backend) => $$$"""
        {
          "State": "/root/state", "Run": "/run/evestorage", "FileSystems": { "Directory": "/run/evestorage/mounts" },
          "Plugins": { "Enabled": ["eve.{{{backend}}}", "eve.xfs", "eve.containerd-snapshotter"] },
          "Pools": { "data": { "Kind": "{{{backend}}}", "Devices": ["serial:pool"], "Layers": [{ "Kind": "xfs" }] } },
          "FrontEnds": { "containerd": { "Kind": "containerd-snapshotter", "Options": { "Directory": "{{{Place}}}/layers", "LayerSize": "{{{Layer}}}MiB" } } }
        }
        """;

    private static async Task ServeAsync(HostedGuest hosted)
    {
        await hosted.Guest.RunAsync("modprobe -a loop xfs ext4 overlay");
        await hosted.ServeAsync();
        await hosted.ChangeAsync("""{"change":"create-pool","pool":"data"}""");
        await hosted.ChangeAsync($$"""{"change":"create-file-system","pool":"data","volume":"containers","size":{{640 << 20}},"kind":"xfs"}""");
        await hosted.Guest.RunAsync($"mkdir {Place}/layers; for i in $(seq 120); do [ -S /run/evestorage/snapshots.sock ] && exit 0; sleep 1; done; tail /root/daemon.log >&2; exit 1", 200);
        await hosted.Guest.RunAsync(ContainerdDrive.Start, 600);
    }

    // Who runs away stops no other, and all that the file system of the layers holds is told.
    private async Task FillAsync(HostedGuest hosted)
    {
        Guest guest = hosted.Guest;
        await guest.RunAsync(Run("neighbour", WriteOn, "--detach"), 300);
        await guest.RunAsync(Run("greedy", Fill, "--detach", "--snapshotter-label", $"containerd.io/snapshot/max-size={Label << 20}"), 300);
        await guest.RunAsync("for i in $(seq 600); do pgrep -fx 'sleep 12345' > /dev/null && exit 0; ctr tasks ls | grep -q 'greedy.*RUNNING' || break; sleep 1; done; ctr tasks ls >&2; exit 1", 900);

        await hosted.UntilToldAsync("fs.space: data/containers:");
        long filled = long.Parse(await guest.RunAsync("stat -c %s /proc/$(pgrep -fx 'sleep 12345')/root/data/fill"), CultureInfo.InvariantCulture);
        output.WriteLine($"a layer of {Label} MiB is full with a file of {filled >> 20} MiB");
        (filled >> 20).ShouldBeInRange(Label * 3 / 4, Label);
        (await guest.RunAsync("ctr tasks ls")).ShouldMatch("neighbour +[0-9]+ +RUNNING");
        await guest.RunAsync(End("greedy"), 300);
    }

    private static async Task RemoveAsync(Guest guest)
    {
        await guest.RunAsync("ctr snapshots --snapshotter eve.storage rm neighbour", 300);

        (await guest.RunAsync("ctr snapshots --snapshotter eve.storage ls")).ShouldNotContain("neighbour");
        (await guest.RunAsync("ctr tasks ls")).ShouldMatch("neighbour +[0-9]+ +RUNNING");
        await guest.RunAsync(End("neighbour"), 300);
    }

    private async Task CycleAsync(Guest guest, int cycles)
    {
        Stopwatch time = Stopwatch.StartNew();

        await guest.RunAsync($"for i in $(seq {cycles}); do {Run("c$i", Write, "--rm")} || {{ echo \"cycle $i: $?\" >&2; exit 1; }}; done", 3000);

        output.WriteLine($"{cycles} containers in {time.Elapsed.TotalSeconds:0} s");
    }

    private static string Run(string container, string script, params string[] options)
        => $"ctr run {string.Join(' ', options)} --snapshotter eve.storage {Image} {container} /bin/sh -c '{script}' > /dev/null < /dev/null";

    private static string End(string container)
        => $"ctr tasks kill --signal SIGKILL {container}; ctr tasks rm --force {container} > /dev/null; ctr containers rm {container}";

    // Directories and records of layers, mounts, loop devices, and what the pool has. What is removed goes behind its answer.
    private static Task<string> LeftAsync(Guest guest) => guest.RunAsync($"""
        for i in $(seq 300); do [ $(ls {Place}/layers/eve.storage | wc -l) = 2 ] && [ -z "$(losetup --list --noheadings)" ] && break; sleep 0.2; done
        ls {Place}/layers/eve.storage | wc -l; ctr snapshots --snapshotter eve.storage ls | tail -n +2 | wc -l; ctr containers ls -q | wc -l
        grep -c -e {Place}/ -e /run/containerd /proc/mounts; losetup --list --noheadings | wc -l; ls /dev/mapper /dev/zvol 2> /dev/null | wc -l
        """, 200);

    private static async Task<long> UsedAsync(Guest guest) => long.Parse(await guest.RunAsync($"sync; df -k --output=used {Place} | tail -1"), CultureInfo.InvariantCulture);
}
