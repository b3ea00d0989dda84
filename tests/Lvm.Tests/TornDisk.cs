using EveStorage.Lvm;

namespace EveStorage.Tests;

/// <summary>A disk that loses its power: after so many writes the next one is half done, and nothing comes after it.</summary>
internal sealed class TornDisk(long length) : IRecordDisk
{
    private const int Sector = 512;

    private readonly byte[] _bytes = new byte[length];
    private readonly HashSet<long> _broken = [];
    private int _left = int.MaxValue;

    public long Length => _bytes.Length;

    /// <summary>How many writes there were.</summary>
    public int Writes { get; private set; }

    /// <summary>Loses power in the middle of the write after the next <paramref name="writes"/>.</summary>
    public void FailAfter(int writes) => _left = writes;

    /// <summary>Has power again.</summary>
    public void Restart() => _left = int.MaxValue;

    /// <summary>Makes the sector at <paramref name="offset"/> one that can't be read.</summary>
    public void Break(long offset) => _broken.Add(offset / Sector);

    public void Damage(long offset) => _bytes[offset] ^= 0x40;

    /// <summary>The places that hold <paramref name="text"/>.</summary>
    public IReadOnlyList<long> Find(ReadOnlySpan<byte> text)
    {
        List<long> places = [];
        for (int at = 0, next; (next = _bytes.AsSpan(at).IndexOf(text)) >= 0; at += next + text.Length)
        {
            places.Add(at + next);
        }

        return places;
    }

    public void Read(long offset, Span<byte> destination)
    {
        long last = (offset + destination.Length - 1) / Sector;
        if (_broken.Any(sector => sector >= offset / Sector && sector <= last))
        {
            throw new StorageException(StorageErrorKind.Io, "disk", "can't be read there");
        }

        _bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        if (_left-- == 0)
        {
            // Every second sector: what a drive has in flight is in no order.
            for (int at = 0; at < source.Length; at += 2 * Sector)
            {
                source.Slice(at, Sector).CopyTo(_bytes.AsSpan((int)offset + at));
            }

            throw new StorageException(StorageErrorKind.Io, "disk", "has no power");
        }

        ObjectDisposedException.ThrowIf(_left < 0, this);
        Writes++;
        source.CopyTo(_bytes.AsSpan((int)offset));
    }

    public void Flush() => ObjectDisposedException.ThrowIf(_left < 0, this);
}
