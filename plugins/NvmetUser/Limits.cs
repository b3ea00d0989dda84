namespace EveStorage.NvmetUser;

/// <summary>Limits that are no options: other values would only be worse.</summary>
internal static class Limits
{
    /// <summary>MDTS: what most of a disk's large transfers are split to anyway, and what one command may pin of memory.</summary>
    internal const int MaxTransfer = 128 << 10;

    /// <summary>What of a write may come in the capsule: all of it, since to ask for it costs a round trip, and the buffer is there.</summary>
    internal const int InCapsule = MaxTransfer;

    /// <summary>The same of a connection that is no I/O queue: what a host may always send on an admin queue (NVMe/TCP 1.0c, "Command Capsules").</summary>
    internal const int AdminInCapsule = 8 << 10;

    /// <summary>What of a write lies where it was received until it is done, also when it waits. A larger one would leave no room for what comes behind it.</summary>
    internal const int HeldInCapsule = 8 << 10;

    /// <summary>What an I/O queue receives into, and sends from: two of the largest transfers, or a queue full of small ones.</summary>
    internal const int QueueBuffer = (2 * MaxTransfer) + (16 << 10);

    /// <summary>The same of an admin queue, and of a connection that is no queue yet: one capsule with its data, and some.</summary>
    internal const int AdminBuffer = 16 << 10;

    /// <summary>How many threads may wait for devices: as many commands as most drives take at once.</summary>
    internal const int MaxWorkers = 32;

    /// <summary>NN: the highest number of a namespace, which is what a list of changed ones can hold.</summary>
    internal const int MaxNamespaces = 1024;

    /// <summary>How long a discovery controller without a keep alive time-out lives, as Linux's target has it.</summary>
    internal const int DiscoveryKeepAliveSeconds = 120;

    /// <summary>How long the end of a connection waits for the host to read why.</summary>
    internal static TimeSpan Linger => TimeSpan.FromSeconds(1);
}
