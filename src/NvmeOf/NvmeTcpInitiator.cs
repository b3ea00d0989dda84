using System.Threading.Channels;

namespace EveStorage.NvmeOf;

/// <summary>
/// A host of NVMe/TCP in user space: a controller's admin queue and its I/O queues. Safe for many calls at once. It does not
/// reconnect: a lost connection fails what is on its way and all that comes after.
/// </summary>
public sealed partial class NvmeTcpInitiator : IAsyncDisposable
{
    private const int AdminDepth = 32;
    private const int MaxInCapsule = 64 << 10;   // each queue has a buffer of that size; what is larger goes when it is asked for
    private const int MaxDiscoveryEntries = 4096;
    private const int MaxDiscoveryReads = 16;
    private const int AdminInCapsule = 8192;   // NVMe/TCP 1.0c, "Command Capsules": so much is always allowed on an admin queue

    private readonly NvmeTcpOptions _options;
    private readonly TimeProvider _time;
    private readonly InitiatorQueue _admin;
    private readonly List<InitiatorQueue> _queues = [];
    private readonly Channel<AsyncEvent> _events = Channel.CreateBounded<AsyncEvent>(new BoundedChannelOptions(64) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly CancellationTokenSource _end = new();
    private Task _background = Task.CompletedTask;
    private uint _next;

    private NvmeTcpInitiator(NvmeTcpOptions options, TimeProvider time, InitiatorQueue admin)
    {
        _options = options;
        _time = time;
        _admin = admin;
    }

    /// <summary>What the controller says of itself.</summary>
    public ControllerIdentity Controller { get; private set; } = null!;

    /// <summary>How many I/O queues there are.</summary>
    public int Queues => _queues.Count;

    /// <summary>The most bytes of one command.</summary>
    public int MaxTransfer => Controller.MaxTransfer is > 0 and < 1 << 20 ? Controller.MaxTransfer : 1 << 20;

    /// <summary>What the controller tells by itself.</summary>
    public ChannelReader<AsyncEvent> Events => _events.Reader;

    /// <summary>Connects to an I/O controller: its admin queue, and the I/O queues.</summary>
    /// <exception cref="NvmeCommandException">The target refused.</exception>
    /// <exception cref="StorageException">There is no such target, or it is none.</exception>
    public static Task<NvmeTcpInitiator> ConnectAsync(NvmeTcpOptions options, CancellationToken cancellationToken)
        => ConnectAsync(options, TimeProvider.System, cancellationToken);

    /// <summary>Asks a target which subsystems the host may connect to. The subsystem of the options does not matter.</summary>
    public static async Task<IReadOnlyList<DiscoveryEntry>> DiscoverAsync(NvmeTcpOptions options, CancellationToken cancellationToken)
    {
        NvmeTcpOptions discovery = options with { Subsystem = new(DiscoveryEntry.DiscoverySubsystem), Queues = 0 };
        await using NvmeTcpInitiator initiator = await ConnectAsync(discovery, cancellationToken);
        return await initiator.ReadDiscoveryLogAsync(cancellationToken);
    }

    /// <summary>Reads the discovery log, of a discovery controller.</summary>
    public async Task<IReadOnlyList<DiscoveryEntry>> ReadDiscoveryLogAsync(CancellationToken cancellationToken)
    {
        for (int reads = 0; reads < MaxDiscoveryReads; reads++)
        {
            (ulong generation, ulong count) = DiscoveryEntry.ReadHeader(await GetLogPageAsync(LogPage.Discovery, DiscoveryEntry.Size, 0, cancellationToken));
            if (count > MaxDiscoveryEntries)
            {
                throw new StorageException(StorageErrorKind.Corrupt, _options.Subject, $"lists {count} subsystems; at most {MaxDiscoveryEntries} are read");
            }

            List<DiscoveryEntry> entries = [];
            for (ulong i = 0; i < count; i++)
            {
                entries.Add(DiscoveryEntry.Read(await GetLogPageAsync(LogPage.Discovery, DiscoveryEntry.Size, (i + 1) * DiscoveryEntry.Size, cancellationToken)));
            }

            // The same generation after as before, or the entries may be of two logs: NVMe base specification 2.0, "Discovery Log Page".
            if (DiscoveryEntry.ReadHeader(await GetLogPageAsync(LogPage.Discovery, DiscoveryEntry.Size, 0, cancellationToken)).Generation == generation)
            {
                return entries;
            }
        }

        throw new StorageException(StorageErrorKind.Busy, _options.Subject, "changes its discovery log faster than it can be read; try again");
    }

    /// <summary>Tells the controller goodbye, if it listens, and disconnects.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _background;
        try
        {
            using CancellationTokenSource limit = new(TimeSpan.FromSeconds(5), _time);
            await SetPropertyAsync(ControllerProperty.Configuration, ControllerProperty.EnabledConfiguration | ControllerProperty.NormalShutdown, limit.Token);
        }
        catch (Exception e) when (e is StorageException or OperationCanceledException)
        {
            // It is gone already, which is what we want.
        }

        foreach (InitiatorQueue queue in _queues.Append(_admin))
        {
            await queue.DisposeAsync();
        }

        _end.Dispose();
    }

    internal static async Task<NvmeTcpInitiator> ConnectAsync(NvmeTcpOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Timeout);
        InitiatorQueue admin = await InitiatorQueue.OpenAsync(options, AdminDepth + ControllerIdentity.AsyncEventLimit, AdminInCapsule, limit.Token);
        NvmeTcpInitiator initiator = new(options, time, admin);
        try
        {
            using CancellationTokenRegistration cut = limit.Token.Register(() => admin.FailIfOlder(long.MaxValue));
            await initiator.StartAsync(limit.Token);
            return initiator;
        }
        catch (Exception e) when (e is StorageException or OperationCanceledException)
        {
            await initiator.DisposeAsync();
            cancellationToken.ThrowIfCancellationRequested();
            throw;
        }
    }
}
