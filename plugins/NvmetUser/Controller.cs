using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>One host's association with one subsystem: an admin queue, its I/O queues, and what the host sees.</summary>
internal sealed class Controller
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, QueueConnection> _queues = [];
    private readonly IoCounters _ended = new();
    private Export[] _visible = [];
    private bool _takesQueues;

    internal Controller(ushort id, ConnectData connect, QueueConnection admin, NvmetUserOptions options)
    {
        Id = id;
        Host = connect.Host;
        HostId = connect.HostId;
        Subsystem = connect.Subsystem;
        Admin = admin;
        MaxQueues = options.MaxQueues;
        Registers = new(options.QueueDepth);
        Events = IsDiscovery ? new(AsyncEvent.DiscoveryChanged, 1u << 31) : new(AsyncEvent.NamespacesChanged, 1u << 8);
    }

    /// <summary>CNTLID.</summary>
    internal ushort Id { get; }

    /// <summary>HOSTNQN.</summary>
    internal string Host { get; }

    /// <summary>HOSTID.</summary>
    internal Guid HostId { get; }

    /// <summary>SUBNQN.</summary>
    internal string Subsystem { get; }

    /// <summary>Whether it only tells of other subsystems.</summary>
    internal bool IsDiscovery => Subsystem == DiscoveryEntry.DiscoverySubsystem;

    /// <summary>Its admin queue.</summary>
    internal QueueConnection Admin { get; }

    /// <summary>Whether each of its queues has to prove its host's key.</summary>
    internal bool NeedsProof { get; init; }

    /// <summary>Whether its host has proven who it is, or need not.</summary>
    internal bool IsProven { get; set; }

    /// <summary>Its properties.</summary>
    internal ControllerRegisters Registers { get; }

    /// <summary>What its commands have of the target's buffers.</summary>
    internal BufferShare Memory { get; } = new();

    /// <summary>What it tells by itself.</summary>
    internal ControllerEvents Events { get; }

    /// <summary>How many I/O queues it may have: what the host asked for, once it did.</summary>
    internal int MaxQueues { get; set; }

    /// <summary>What its host sees, by number.</summary>
    internal Export[] Visible
    {
        get => Volatile.Read(ref _visible);
        set => Volatile.Write(ref _visible, value);
    }

    /// <summary>
    /// What of a write its host is told to send in a capsule, in bytes. Where one waits, for its turn or a device, its data had better come
    /// when it is asked for. What is exported later may make that untrue, and is served all the same.
    /// </summary>
    internal int InCapsule
        => Array.Exists(Visible, static export => export.Limit is not null || export.Volume.Source.WritesWait) ? Limits.HeldInCapsule : Limits.InCapsule;

    /// <summary>Whether it has I/O queues.</summary>
    internal bool HasQueues
    {
        get
        {
            lock (_gate)
            {
                return _queues.Count > 0;
            }
        }
    }

    /// <summary>The namespace of that number; null when its host does not see one.</summary>
    internal Export? Find(uint namespaceId)
    {
        foreach (Export export in Visible)
        {
            if (export.NamespaceId == namespaceId)
            {
                return export;
            }
        }

        return null;
    }

    /// <summary>Adds an I/O queue; false when it has one of that number, or is not enabled, or gone.</summary>
    internal bool TryAdd(int id, QueueConnection queue)
    {
        lock (_gate)
        {
            return _takesQueues && _queues.TryAdd(id, queue);
        }
    }

    /// <summary>Takes I/O queues from now on: it was enabled.</summary>
    internal void TakeQueues()
    {
        lock (_gate)
        {
            _takesQueues = true;
        }
    }

    /// <summary>Takes an I/O queue that ended away.</summary>
    internal void Remove(int id, IoCounters done)
    {
        lock (_gate)
        {
            _queues.Remove(id);
            _ended.Add(done);
        }
    }

    /// <summary>What all its queues did.</summary>
    internal IoCounters Count()
    {
        lock (_gate)
        {
            IoCounters sum = new();
            sum.Add(_ended);
            foreach (QueueConnection queue in _queues.Values)
            {
                sum.Add(queue.Counters);
            }

            return sum;
        }
    }

    /// <summary>Cuts its I/O queues and takes no others: it was disabled, or its admin queue is gone.</summary>
    internal void CutQueues()
    {
        QueueConnection[] queues;
        lock (_gate)
        {
            _takesQueues = false;
            queues = [.. _queues.Values];
        }

        foreach (QueueConnection queue in queues)
        {
            queue.Cut();
        }
    }
}
