using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>What one queue did in one volume. Its own thread counts, so that it costs an addition; who reads it may see it a little late.</summary>
internal sealed class VolumeTally
{
    private long _reads;
    private long _readBytes;
    private long _writes;
    private long _writtenBytes;
    private long _flushes;
    private long _errors;

    /// <summary>A command begins.</summary>
    internal void Add(IoOpcode opcode, long length)
    {
        switch (opcode)
        {
            case IoOpcode.Read:
                _reads++;
                _readBytes += length;
                break;
            case IoOpcode.Write:
                _writes++;
                _writtenBytes += length;
                break;
            case IoOpcode.Flush:
                _flushes++;
                break;
            default:
                break;   // what is discarded or made zero moves no data
        }
    }

    /// <summary>A command ended with an error.</summary>
    internal void AddError() => _errors++;

    internal void Add(VolumeTally other)
    {
        _reads += Volatile.Read(ref other._reads);
        _readBytes += Volatile.Read(ref other._readBytes);
        _writes += Volatile.Read(ref other._writes);
        _writtenBytes += Volatile.Read(ref other._writtenBytes);
        _flushes += Volatile.Read(ref other._flushes);
        _errors += Volatile.Read(ref other._errors);
    }

    internal ExportTraffic ToTraffic() => new()
    {
        Reads = _reads,
        ReadBytes = new(_readBytes),
        Writes = _writes,
        WrittenBytes = new(_writtenBytes),
        Flushes = _flushes,
        Errors = _errors,
    };
}

/// <summary>What all queues did in a volume.</summary>
internal sealed class VolumeTraffic
{
    private readonly Lock _lock = new();
    private readonly List<VolumeTally> _counting = [];
    private readonly VolumeTally _ended = new();

    /// <summary>A queue begins to count.</summary>
    internal VolumeTally Begin()
    {
        VolumeTally tally = new();
        lock (_lock)
        {
            _counting.Add(tally);
        }

        return tally;
    }

    /// <summary>A queue counts no more.</summary>
    internal void End(VolumeTally tally)
    {
        lock (_lock)
        {
            if (_counting.Remove(tally))
            {
                _ended.Add(tally);
            }
        }
    }

    /// <summary>All of it.</summary>
    internal ExportTraffic Sum()
    {
        VolumeTally sum = new();
        lock (_lock)
        {
            sum.Add(_ended);
            _counting.ForEach(sum.Add);
        }

        return sum.ToTraffic();
    }
}
