using System.Security.Cryptography;
using System.Text;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>A machine with a real kernel, which `lab/lab` runs under emulation.</summary>
internal sealed class Guest : IAsyncDisposable
{
    /// <summary>The kernel that has every feature.</summary>
    public const string NewKernel = "6.12";

    /// <summary>The kernel without nvme-loop, NVMe authentication and TLS.</summary>
    public const string OldKernel = "6.1";

    /// <summary>The kernel that has every feature, with OpenZFS 2.3.</summary>
    public const string NewKernelWithZfs = "6.12-zfs";

    /// <summary>The old kernel, with OpenZFS 2.1.</summary>
    public const string OldKernelWithZfs = "6.1-zfs";

    /// <summary>This machine's loopback, as a guest sees it.</summary>
    public const string Address = "10.0.2.2";

    private static readonly string s_lab = RepositoryFiles.Path("lab/lab");
    private readonly string _name;

    private Guest(string name) => _name = name;

    /// <summary>An ext4 file system that a guest can have as its root.</summary>
    public static string RootImage => Path.Combine(PlaceOf(NewKernel), "root.ext4");

    /// <summary>The drive with a serial: in a script, its device.</summary>
    public static string DriveOf(string serial) => $"$(lab-disk {serial})";

    /// <summary>In a script: the disk of a connected subsystem's namespace.</summary>
    public static string Disk(string subsystem, int number = 1)
        => $"/dev/$(basename $(ls -d $(dirname $(grep -lx {subsystem} /sys/class/nvme-subsystem/*/subsysnqn))/nvme*n{number}))";

    /// <summary>The words for nvme-cli to be a host: the kernel takes one id for a name, and one name for an id.</summary>
    public static string As(string host) => $"--hostnqn={host} --hostid={new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(host)).AsSpan(0, 16))}";

    /// <summary>Whether guests can be started.</summary>
    public static bool IsThere => Environment.GetEnvironmentVariable("EVESTORAGE_NO_LAB") != "1" && IsBuilt(NewKernel);

    /// <summary>Skips the test, or fails it where all has to run, when there is no lab.</summary>
    public static void Require(string kernel = NewKernel)
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable("EVESTORAGE_NO_LAB") == "1", "EVESTORAGE_NO_LAB=1: no guest is started");
        string absent = $"`lab/ensure {kernel}` has not made the lab's image";
        (IsBuilt(kernel) || Environment.GetEnvironmentVariable("CI") != "true").ShouldBeTrue(absent);
        Assert.SkipUnless(IsBuilt(kernel), absent);
    }

    /// <summary>Skips a test that takes longer than CI has, but where all of the long tests are asked for.</summary>
    public static void RequireLong()
        => Assert.SkipUnless(Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1", "takes longer than CI has: ./test.sh --long runs it");

    /// <summary>Starts a guest, with the options of `lab up`, and waits until it answers.</summary>
    public static async Task<Guest> StartAsync(params string[] options)
    {
        Guest guest = new("test-" + Guid.NewGuid().ToString("N")[..8]);
        await Programs.OutputAsync(s_lab, ["up", guest._name, .. options]);
        return guest;
    }

    /// <summary>Runs a script, which has to succeed, and gives what it printed.</summary>
    public async Task<string> RunAsync(string script, int seconds = 120)
    {
        (int code, string output, string error) = await TryAsync(script, seconds);
        code.ShouldBe(0, $"{script}\n{error}{output}");
        return output.Trim();
    }

    public async Task<(int Code, string Output, string Error)> TryAsync(string script, int seconds = 120)
        => await Programs.RunAsync(s_lab, ["exec", _name, "-t", $"{seconds}", "--", script], seconds + 30);

    /// <summary>Adds a drive while the guest runs, and gives its device there.</summary>
    public async Task<string> AddDriveAsync(Drive drive) => (await Programs.OutputAsync(s_lab, "disk-add", _name, $"{drive}")).Trim();

    /// <summary>Takes a drive out while the guest runs.</summary>
    public async Task RemoveDriveAsync(string serial) => await Programs.OutputAsync(s_lab, "disk-remove", _name, serial);

    /// <summary>Waits in the guest until a condition of its shell holds, a minute at most.</summary>
    public async Task UntilAsync(string condition)
    {
        (int code, _, string error) = await TryAsync($"for i in $(seq 300); do {condition} && exit 0; sleep 0.2; done 2>/dev/null; exit 1", 300);
        code.ShouldBe(0, $"not within a minute: {condition} {error}");
    }

    /// <summary>Connects to a subsystem as a host, with more words for `nvme connect` as a test needs them.</summary>
    public async Task<(int Code, string Output, string Error)> ConnectAsync(int port, string subsystem, string host, string more = "")
    {
        string connect = $"nvme connect -t tcp -a {Address} -s {port} -n {subsystem} {As(host)}";
        return await TryAsync($"modprobe nvme-tcp; {connect} -i 2 -c 1 -l 600 {more} && udevadm settle");
    }

    /// <summary>Restarts the guest's kernel at once.</summary>
    public async Task RebootAsync()
    {
        string before = await RunAsync("cat /proc/sys/kernel/random/boot_id");
        await RunAsync("(sleep 0.5; echo b > /proc/sysrq-trigger) > /dev/null 2>&1 &");
        for (int tries = 0; tries < 30; tries++)
        {
            (int code, string output, _) = await TryAsync("cat /proc/sys/kernel/random/boot_id", 10);
            if (code == 0 && output.Trim() != before)
            {
                return;
            }

            await Task.Delay(500);
        }

        throw new TimeoutException(await ConsoleAsync());
    }

    public async Task<string> ConsoleAsync() => await Programs.OutputAsync(s_lab, "log", _name);

    /// <summary>A power cut. What the guest wrote and its drives had taken is there.</summary>
    public async ValueTask DisposeAsync() => await Programs.OutputAsync(s_lab, "kill", _name);

    private static bool IsBuilt(string kernel) => File.Exists(Path.Combine(PlaceOf(kernel), "built"));

    private static string PlaceOf(string kernel) => Environment.GetEnvironmentVariable("LAB_DIR")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache/evestorage-lab-" + kernel);
}
