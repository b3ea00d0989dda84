using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>What a transport wants of the kernel's target.</summary>
public sealed record NvmetTarget
{
    /// <summary>Where it listens.</summary>
    public required PortAddress Address { get; init; }

    /// <summary>Which of our subsystems are this transport's, by their names.</summary>
    public required Predicate<Nqn> IsOwn { get; init; }

    /// <summary>Where the configfs tree is.</summary>
    public string Root { get; init; } = NvmetTree.KernelRoot;

    /// <summary>Where it is kept which operation made what.</summary>
    public string Marks { get; init; } = "/run/evestorage/nvmet";

    /// <summary>What else a port is given.</summary>
    public IReadOnlyList<(string Name, string Value)> PortParameters { get; init; } = [];

    /// <summary>How many I/O queues a host may have; null for as many as the kernel gives.</summary>
    public int? MaxQueues { get; init; }

    /// <summary>How long hosts may take to end what they do with a volume that goes.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How hosts prove keys.</summary>
    public DhChapChoice Authentication { get; init; } = new("hmac(sha256)", "null");

    /// <summary>The secrets of hosts; null where there is no source of keys.</summary>
    public HostSecrets? Secrets { get; init; }

    /// <summary>Whether this kernel's target can ask a host for a key.</summary>
    public Func<bool> Authenticates { get; init; } = KernelAuthenticates;

    /// <summary>What ends this machine's own connection to a subsystem that has no volume any more; null where it makes none.</summary>
    public Func<NvmetTree, Nqn, StorageStep>? Disconnect { get; init; }

    /// <summary>Takes an object of the kernel away. Where a test has directories, their files are in rmdir's way.</summary>
    internal Action<string> RemoveObject { get; init; } = Configfs.Remove;

    // CONFIG_NVME_TARGET_AUTH shows as an attribute of a host, which may be made only by a step; else by what nvmet is built with.
    private static bool KernelAuthenticates()
    {
        string hosts = Path.Combine(NvmetTree.KernelRoot, "hosts");
        return Configfs.Objects(hosts) is [string any, ..]
            ? File.Exists(Path.Combine(hosts, any, "dhchap_key"))
            : KernelModule.IsNeededBy("nvme-auth", "nvmet") || KernelModule.IsNeededBy("nvme-common", "nvmet") || KernelModule.HasSymbol("nvmet_setup_auth");
    }
}
