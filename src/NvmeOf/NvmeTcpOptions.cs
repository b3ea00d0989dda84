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

    /// <summary>Whether to ask for no flow control of the submission queue, which spares a response to each read.</summary>
    public bool DisableFlowControl { get; init; } = true;

    /// <summary>The name for messages.</summary>
    internal string Subject => $"{Subsystem} at {Address}:{Port}";
}
