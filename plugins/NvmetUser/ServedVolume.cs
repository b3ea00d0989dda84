namespace EveStorage.NvmetUser;

/// <summary>An open volume behind a namespace: counts the commands in it, so that it is closed when none is left.</summary>
internal sealed class ServedVolume
{
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _closing;
    private long _blocks;
    private int _commands = 1;   // one for being open
    private int _readOnly;
    private int _syncFailed;
    private bool _writesLag;

    internal ServedVolume(IBlockSource source, bool readOnly)
    {
        Source = source;
        Flushes = new(source);
        _readOnly = readOnly ? 1 : 0;
        _blocks = source.Size.Bytes / NvmeOf.NamespaceIdentity.BlockSize;
    }

    /// <summary>The blocks.</summary>
    internal IBlockSource Source { get; }

    /// <summary>Its flushes, joined.</summary>
    internal JoinedFlush Flushes { get; }

    /// <summary>What its hosts did.</summary>
    internal VolumeTraffic Traffic { get; } = new();

    /// <summary>Whether it is open still: one that is being closed takes no command any more.</summary>
    internal bool IsOpen => Volatile.Read(ref _closing) is null;

    /// <summary>Its size as hosts were told: it changes when they are told of another.</summary>
    internal long Blocks => Volatile.Read(ref _blocks);

    /// <summary>Whether it takes no changes.</summary>
    internal bool ReadOnly => Volatile.Read(ref _readOnly) != 0;

    /// <summary>Whether a sync failed: what was written before may be lost, and a later sync that succeeds would be a lie.</summary>
    internal bool SyncFailed => Volatile.Read(ref _syncFailed) != 0;

    /// <summary>Whether a cached write ended later than it was begun, as over an image that is still being copied: others may, too.</summary>
    internal bool WritesLag { get => Volatile.Read(ref _writesLag); set => Volatile.Write(ref _writesLag, value); }

    /// <summary>Begins a command; false when the volume is being closed.</summary>
    internal bool TryEnter()
    {
        int commands = Volatile.Read(ref _commands);
        while (commands > 0)
        {
            int seen = Interlocked.CompareExchange(ref _commands, commands + 1, commands);
            if (seen == commands)
            {
                return true;
            }

            commands = seen;
        }

        return false;
    }

    /// <summary>Ends a command.</summary>
    internal void Exit()
    {
        if (Interlocked.Decrement(ref _commands) == 0)
        {
            _drained.TrySetResult();
        }
    }

    /// <summary>Makes it read-only for good after a sync failed. True for the first to say so.</summary>
    internal bool FailSync()
    {
        Volatile.Write(ref _readOnly, 1);
        return Interlocked.Exchange(ref _syncFailed, 1) == 0;
    }

    /// <summary>Takes the size as the hosts shall see it, and returns the one they saw.</summary>
    internal long Resize(long blocks) => Interlocked.Exchange(ref _blocks, blocks);

    /// <summary>Lets the commands in it end, and closes it. Who waits no more for that does not keep it open.</summary>
    internal Task CloseAsync(CancellationToken cancellationToken)
    {
        lock (_drained)
        {
            _closing ??= CloseAsync();
        }

        return _closing.WaitAsync(cancellationToken);
    }

    private async Task CloseAsync()
    {
        Exit();
        await _drained.Task;
        await Source.DisposeAsync();
    }
}
