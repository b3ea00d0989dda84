using System.Globalization;
using System.Runtime.Intrinsics.X86;
using EveStorage.Cli.Api;
using EveStorage.Host.Devices;
using EveStorage.Linux;

namespace EveStorage.Host.Hardware;

/// <summary>What of a machine says which profile fits it.</summary>
internal sealed record Machine
{
    private const string ArmHypervisor = "/sys/firmware/devicetree/base/hypervisor";
    private const string ArmBoard = "/sys/firmware/devicetree/base/compatible";

    // Below that it is a part of one, such as the boot areas of an eMMC.
    private static readonly ByteSize s_smallest = ByteSize.GiB(1);

    /// <summary>The memory that the kernel has.</summary>
    public required ByteSize Memory { get; init; }

    /// <summary>The drives that stay in it: none of another machine, and none that can be taken out.</summary>
    public required IReadOnlyList<DeviceReport> Drives { get; init; }

    /// <summary>Whether a hypervisor is below it, and what looks like its drives is somebody else's.</summary>
    public bool IsGuest { get; init; }

    /// <summary>Whether its processor has AES instructions.</summary>
    public bool HasAes { get; init; }

    /// <summary>Whether it has a TPM 2.0.</summary>
    public bool HasTpm { get; init; }

    /// <summary>Whether it is a node of a Kubernetes cluster.</summary>
    public bool IsClusterNode { get; init; }

    /// <summary>Which of <see cref="Asked"/> its kernel has, loaded or to be loaded.</summary>
    public required IReadOnlySet<string> Modules { get; init; }

    /// <summary>The kernel modules that make a difference.</summary>
    internal static IReadOnlyList<string> Asked { get; } = ["dm-thin-pool", "dm-mod", "zfs", "nvme-loop", "nvmet-tcp"];

    /// <summary>Looks at this machine. Nothing is opened for writing, and no module is loaded.</summary>
    internal static Machine Look()
    {
        HashSet<string> fixedDrives = [.. Drive.List().Where(drive => !drive.IsFabric && !drive.IsRemovable && drive.Size >= s_smallest).Select(drive => drive.Name)];
        return new()
        {
            Memory = ReadMemory(),
            Drives = [.. BlockDevices.List().Where(device => fixedDrives.Contains(device.Name))],
            IsGuest = LooksLikeGuest(),
            HasAes = System.Runtime.Intrinsics.X86.Aes.IsSupported || System.Runtime.Intrinsics.Arm.Aes.IsSupported,
            HasTpm = File.Exists("/dev/tpmrm0"),
            IsClusterNode = FileCalls.Run("/run/eve-hv-type", LooksLikeClusterNode),
            Modules = Asked.Where(KernelModule.IsThere).ToHashSet(),
        };
    }

    // The first line is "MemTotal:  16303428 kB" (proc_meminfo(5)).
    private static ByteSize ReadMemory()
        => FileCalls.Run("/proc/meminfo", () => new ByteSize(
            long.Parse(File.ReadLines("/proc/meminfo").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10));

    // Leaf 1, ECX bit 31, which no processor sets (Intel SDM, CPUID). Xen's control domain sees it, and has the drives all the same.
    private static bool LooksLikeGuest()
        => FileCalls.Run("/sys", () => !HoldsText("/proc/xen/capabilities", "control_d") && (X86Base.IsSupported
            ? X86Base.CpuId(1, 0).Ecx < 0
            : Directory.Exists(ArmHypervisor) || HoldsText(ArmBoard, "linux,dummy-virt")));

    // EVE OS writes down what it runs, and k3s and kubelet keep their settings in a place of their own.
    private static bool LooksLikeClusterNode()
        => (File.Exists("/run/eve-hv-type") && File.ReadAllText("/run/eve-hv-type").Trim() is "kubevirt" or "k") || Directory.Exists("/etc/rancher/k3s") || File.Exists("/etc/kubernetes/kubelet.conf");

    private static bool HoldsText(string path, string text) => File.Exists(path) && File.ReadAllText(path).Contains(text, StringComparison.Ordinal);
}
