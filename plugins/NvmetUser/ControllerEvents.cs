using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>
/// What a controller tells its host by itself. An event is told once, and no more until the host has read its log page.
/// NVMe base specification 2.0, "Asynchronous Event Request command".
/// </summary>
internal sealed class ControllerEvents(AsyncEvent kind, uint mask)
{
    private readonly Lock _gate = new();
    private readonly Queue<ushort> _requests = new();
    private readonly SortedSet<uint> _changed = [];
    private bool _pending;
    private bool _told;

    /// <summary>OAES: what it can tell.</summary>
    internal uint Supported => mask;

    /// <summary>What the host wants to be told: Asynchronous Event Configuration.</summary>
    internal uint Enabled { get; set; }

    /// <summary>Keeps a request until there is something to tell; false beyond the limit. On the admin queue's thread.</summary>
    internal bool TryAdd(ushort commandId)
    {
        if (_requests.Count == ControllerIdentity.AsyncEventLimit)
        {
            return false;
        }

        _requests.Enqueue(commandId);
        return true;
    }

    /// <summary>Takes a request that can be answered now. On the admin queue's thread.</summary>
    internal bool TryTake(out ushort commandId, out AsyncEvent told)
    {
        (commandId, told) = (0, kind);
        lock (_gate)
        {
            if (!_pending || _told || (Enabled & mask) == 0 || !_requests.TryDequeue(out commandId))
            {
                return false;
            }

            (_pending, _told) = (false, true);
            return true;
        }
    }

    /// <summary>Forgets requests, what is enabled and what is to be told. On the admin queue's thread.</summary>
    internal void Reset()
    {
        lock (_gate)
        {
            _requests.Clear();
            _changed.Clear();
            (_pending, _told, Enabled) = (false, false, 0);
        }
    }

    /// <summary>Something changed: a namespace, or with 0 the discovery log. From any thread.</summary>
    internal void Report(uint namespaceId)
    {
        lock (_gate)
        {
            _changed.Add(namespaceId);
            _pending = true;
        }
    }

    /// <summary>What changed, for the log page; reading it allows the next event unless the host wants it kept.</summary>
    internal uint[] ReadChanged(bool keep)
    {
        lock (_gate)
        {
            uint[] changed = [.. _changed];
            if (!keep)
            {
                _changed.Clear();
                (_pending, _told) = (false, false);
            }

            return changed;
        }
    }
}
