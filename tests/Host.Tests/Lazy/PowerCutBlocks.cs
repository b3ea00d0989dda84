namespace EveStorage.Tests;

/// <summary>A drive with a cache: what was not flushed is on its medium or not, sector by sector, when the power is cut.</summary>
internal sealed class PowerCutBlocks(byte[] medium) : IBlockSource
{
    private const int Sector = 512;

    private readonly Lock _lock = new();
    private readonly byte[] _cache = [.. medium];
    private readonly HashSet<int> _dirty = [];
    private bool _isOff;

    /// <summary>What lies on the medium.</summary>
    internal byte[] Medium => medium;

    public ByteSize Size => new(medium.Length);

    /// <summary>Cuts the power.</summary>
    internal void Cut(Random random)
    {
        lock (_lock)
        {
            _isOff = true;
            foreach (int sector in _dirty.Where(_ => random.Next(2) == 0))
            {
                Store(sector);
            }
        }
    }

    public bool TryRead(long offset, Span<byte> destination)
    {
        lock (_lock)
        {
            RequireOn();
            _cache.AsSpan((int)offset, destination.Length).CopyTo(destination);
            return true;
        }
    }

    public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        TryRead(offset, destination.Span);
        return ValueTask.CompletedTask;
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            RequireOn();
            source.Span.CopyTo(_cache.AsSpan((int)offset));
            for (int sector = (int)offset / Sector; sector < (offset + source.Length) / Sector; sector++)
            {
                _dirty.Add(sector);
                if (durability == WriteDurability.Stable)
                {
                    Store(sector);
                    _dirty.Remove(sector);
                }
            }
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            RequireOn();
            foreach (int sector in _dirty)
            {
                Store(sector);
            }

            _dirty.Clear();
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken) => WriteZeroesAsync(offset, length, cancellationToken);

    public ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken)
        => WriteAsync(offset, new byte[length], WriteDurability.Cached, cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void Store(int sector) => _cache.AsSpan(sector * Sector, Sector).CopyTo(medium.AsSpan(sector * Sector));

    private void RequireOn()
    {
        if (_isOff)
        {
            throw new StorageException(StorageErrorKind.Io, "drive", "has no power");
        }
    }
}
