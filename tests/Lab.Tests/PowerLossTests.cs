using System.Text;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>
/// What a host was told to be stable is there after a power loss at that moment. The host, its pool and its initiator are in a guest,
/// the pool on a device whose stable writes are logged.
/// </summary>
public sealed class PowerLossTests
{
    private const string Host = "nqn.2014-08.org.example:power";
    private const int BlockSize = 4096;
    private const int Rounds = 12;

    [Fact]
    public async Task What_was_flushed_or_written_through_is_there_after_a_power_loss()
    {
        (int checks, string[] lost) = await LoseAsync("");

        checks.ShouldBe(Rounds * (Rounds + 1) / 2 * 3);
        lost.ShouldBeEmpty();
    }

    /// <summary>The test above can fail: it does when the kernel is not asked to sync.</summary>
    [Fact]
    public async Task Without_syncs_a_power_loss_loses_what_was_flushed()
    {
        Guest.RequireLong();
        (_, string[] lost) = await LoseAsync("strace -f -qq -o /dev/null --seccomp-bpf -e trace=fdatasync,fsync -e inject=fdatasync,fsync:retval=0");

        lost.ShouldContain(l => l.StartsWith("flushed", StringComparison.Ordinal));
    }

    /// <summary>Writes in a guest, and counts what is not there when the log is replayed to each mark.</summary>
    private static async Task<(int Checks, string[] Lost)> LoseAsync(string launcher)
    {
        Guest.Require();
        await using Evestorage product = new();
        await product.ServeAsync();
        await product.RunAsync("pool", "create", "data");
        await product.RunAsync("volume", "create", "data/vm1", "16MiB");
        string subsystem = await product.ExportAsync("data/vm1", "--host", Host);
        await product.KillAsync();
        await MakeDisksAsync(product);

        await using (Guest guest = await Guest.StartAsync(
            "--mem", "1024", "--disk", product["program.erofs"], "--disk", product["disk"], "--disk", product["log"]))
        {
            await guest.RunAsync(Serve(product, launcher));
            await guest.RunAsync($"modprobe nvme-tcp; for i in $(seq 90); do nvme connect -t tcp -a 127.0.0.1 -s {product.Port} -n {subsystem} "
                + $"{Guest.As(Host)} -i 2 2>/dev/null && udevadm settle && exit 0; sleep 1; done; cat /tmp/daemon.log >&2; exit 1", 240);
            await guest.RunAsync(Writes(Guest.Disk(subsystem)), 240);
        }

        return await CheckAsync(product);
    }

    private static async Task MakeDisksAsync(Evestorage product)
    {
        string program = Directory.CreateDirectory(product["program"]).FullName;
        string dotnet = Path.GetFullPath(Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));
        await Programs.OutputAsync("/bin/sh", "-c",
            $"mkdir {program}/dotnet && cp -a {dotnet}/dotnet {dotnet}/host {dotnet}/shared {program}/dotnet/ && cp -a {BuiltHost.Directory} {program}/host "
            + $"&& cp -a {product["state"]} {program}/state && cp {product["profile.json"]} {program}/ && mkfs.erofs {product["program.erofs"]} {program}");
        await Programs.OutputAsync("mke2fs", "-q", "-t", "ext4", "-d", product["pool"], product["disk"], "96M");
        await Programs.OutputAsync("cp", product["disk"], product["replayed"]);
        await Programs.OutputAsync("truncate", "-s", "1G", product["log"]);
    }

    private static string Serve(Evestorage product, string launcher) => $"""
        set -e
        modprobe -a dm-log-writes ext4 erofs
        disk() (cd /sys/block; dirname $(grep -lx disk$1 vd*/serial))
        mkdir -p /program {product["pool"]}
        mount -t erofs -o ro /dev/$(disk 0) /program
        cp -a /program/state /program/profile.json {product[""]}
        dmsetup create logged --table "0 $(blockdev --getsz /dev/$(disk 1)) log-writes /dev/$(disk 1) /dev/$(disk 2)"
        mount -t ext4 /dev/mapper/logged {product["pool"]}
        chmod 0700 {product["pool"]}
        export DOTNET_gcConcurrent=0 DOTNET_TieredPGO=0
        setsid {launcher} /program/dotnet/dotnet /program/host/evestorage.dll serve --profile {product["profile.json"]} > /tmp/daemon.log 2>&1 < /dev/null &
        """;

    /// <summary>In each round two writes and a Flush that covers them, then a write with FUA, and a mark when the host knows them stable.</summary>
    private static string Writes(string disk) => $$"""
        set -e
        disk={{disk}}
        block() { yes "$1" | head -c {{BlockSize}} > /tmp/block; }
        for round in $(seq 0 {{Rounds - 1}}); do
          block "flushed $round a"; dd if=/tmp/block of=$disk bs={{BlockSize}} seek=$((round * 7)) oflag=direct status=none
          block "flushed $round b"; dd if=/tmp/block of=$disk bs={{BlockSize}} seek=$((2000 + round)) oflag=direct conv=fsync status=none
          dmsetup message logged 0 mark flushed-$round
          block "through $round"
          nvme write $disk --start-block=$(((3000 + round * 5) * 8)) --block-count=7 --data-size={{BlockSize}} --data=/tmp/block --force-unit-access > /dev/null 2>&1
          dmsetup message logged 0 mark through-$round
        done
        """;

    private static async Task<(int Checks, string[] Lost)> CheckAsync(Evestorage product)
    {
        string image = Path.GetRelativePath(product["pool"], Directory.EnumerateFiles(product["pool"], "*", SearchOption.AllDirectories).Single(f => new FileInfo(f).Length == 16 << 20));
        List<string> lost = [];
        int checks = 0;
        foreach (string mark in MarkedLog.Replay(product["log"], product["replayed"]))
        {
            await Programs.OutputAsync("cp", product["replayed"], product["checked"]);
            (int code, _, string error) = await Programs.RunAsync("e2fsck", ["-fy", product["checked"]]);
            code.ShouldBeLessThan(2, error);   // 1: what a journal leaves to do was done
            await Programs.OutputAsync("debugfs", "-R", $"dump /{image} {product["image"]}", product["checked"]);
            byte[] volume = await File.ReadAllBytesAsync(product["image"]);
            foreach ((string text, int block) in Stable(mark))
            {
                checks++;
                if (!volume.AsSpan(block * BlockSize, BlockSize).SequenceEqual(Block(text)))
                {
                    lost.Add($"{text} at {mark}");
                }
            }
        }

        return (checks, [.. lost]);
    }

    /// <summary>What is stable at a mark: all that was written up to it, of the mark's kind.</summary>
    private static IEnumerable<(string Text, int Block)> Stable(string mark)
    {
        string[] words = mark.Split('-');
        foreach (int round in Enumerable.Range(0, int.Parse(words[1]) + 1))
        {
            if (words[0] == "through")
            {
                yield return ($"through {round}", 3000 + (round * 5));
                continue;
            }

            yield return ($"flushed {round} a", round * 7);
            yield return ($"flushed {round} b", 2000 + round);
        }
    }

    private static byte[] Block(string text)
        => Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(text + "\n", (BlockSize / text.Length) + 1)))[..BlockSize];
}
