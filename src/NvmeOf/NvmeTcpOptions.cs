namespace EveStorage.NvmeOf;

/// <summary>Whom an initiator connects to, as whom, and how.</summary>
public sealed record NvmeTcpOptions
{
    /// <summary>The target's address.</summary>
    public string Address { get; init; } = "127.0.0.1";

    /// <summary>The target's port.</summary>
    public int Port { get; init; } = 4420;

    /// <summary>The subsystem.</summary>
    public required Nqn Subsystem { get; init; }

    /// <summary>As which host.</summary>
    public required HostNqn Host { get; init; }

    /// <summary>The host's id; the same for all its connections.</summary>
    public required Guid HostId { get; init; }

    /// <summary>The digests to ask for.</summary>
    public PduDigests Digests { get; init; }

    /// <summary>How many I/O queues to ask for; the target may give fewer.</summary>
    public int Queues { get; init; } = 1;

    /// <summary>How many commands may be outstanding on an I/O queue.</summary>
    public int QueueDepth { get; init; } = 128;

    /// <summary>How long the target keeps us without a sign of life; zero for ever.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a command, and the connect, may take. Beyond it the connection is given up.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The host's secret, for a target that asks for it; the caller's to dispose.</summary>
    public DhChapSecret? Secret { get; init; }

    /// <summary>The secret that the controller has to prove in turn; null when it need not. It goes with a <see cref="Secret"/>.</summary>
    public DhChapSecret? ControllerSecret { get; init; }

    /// <summary>The hashes that it may be proven with.</summary>
    public IReadOnlyList<DhChapHash> Hashes { get; init; } = [DhChapHash.Sha256, DhChapHash.Sha384, DhChapHash.Sha512];

    /// <summary>The groups that the exchange may be hidden by.</summary>
    public IReadOnlyList<DhChapGroup> Groups { get; init; } =
        [DhChapGroup.Null, DhChapGroup.Ffdhe2048, DhChapGroup.Ffdhe3072, DhChapGroup.Ffdhe4096, DhChapGroup.Ffdhe6144, DhChapGroup.Ffdhe8192];

    /// <summary>Whether to ask for no flow control of the submission queue, which spares a response to each read.</summary>
    public bool DisableFlowControl { get; init; } = true;

    /// <summary>The name for messages.</summary>
    internal string Subject => $"{Subsystem} at {Address}:{Port}";
}
