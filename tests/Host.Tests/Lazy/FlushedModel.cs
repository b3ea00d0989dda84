namespace EveStorage.Tests;

/// <summary>
/// What a disk has to hold after its host or its power was cut: what was flushed, and of each sector that was written since, one of the
/// things that it was since then.
/// </summary>
internal sealed class FlushedModel(byte[] current)
{
    private const int Sector = 512;

    private readonly SortedDictionary<int, List<byte[]>> _since = [];   // what a sector was at the last flush, and was written as since

    /// <summary>What it holds while it runs.</summary>
    internal byte[] Current => current;

    /// <summary>Something is about to be written: it may get there or not.</summary>
    internal void Writing(int offset, ReadOnlyMemory<byte> data)
    {
        for (int at = 0; at < data.Length; at += Sector)
        {
            int sector = (offset + at) / Sector;
            if (!_since.TryGetValue(sector, out List<byte[]>? held))
            {
                _since[sector] = held = [current[(offset + at)..(offset + at + Sector)]];
            }

            held.Add(data.Slice(at, Sector).ToArray());
        }

        data.Span.CopyTo(current.AsSpan(offset));
    }

    /// <summary>All of it was flushed.</summary>
    internal void Flushed() => _since.Clear();

    /// <summary>A part was written so that it lasts.</summary>
    internal void Flushed(int offset, int length)
    {
        for (int sector = offset / Sector; sector < (offset + length) / Sector; sector++)
        {
            _since.Remove(sector);
        }
    }

    /// <summary>Looks at what was not flushed. What is found there is from then on what it has to be.</summary>
    internal async Task SettleAsync(Func<int, Memory<byte>, Task> read)
    {
        byte[] held = new byte[Sector];
        foreach ((int sector, List<byte[]> allowed) in _since)
        {
            await read(sector * Sector, held);
            allowed.Any(bytes => bytes.AsSpan().SequenceEqual(held)).ShouldBeTrue($"sector {sector}");
            held.CopyTo(current, sector * Sector);
        }

        _since.Clear();
    }
}
