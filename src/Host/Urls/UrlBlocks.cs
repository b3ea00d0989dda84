using System.Security.Cryptography;

namespace EveStorage.Host.Urls;

/// <summary>The blocks of an image that came last, in buffers that are used again; and the digest of all, as far as they came in order.</summary>
internal sealed class UrlBlocks(bool digests) : IDisposable
{
    // Readers of one image, a processor each, are not further apart than this.
    private const int Kept = 32;

    // An image is read nearly in order. What lies a little further on is worth reading everything before it first, since the
    // digest needs it; what lies far away, as a table at the end, is not.
    private const int Near = 64;

    private readonly Dictionary<long, byte[]> _buffers = [];
    private readonly Dictionary<long, int> _lengths = [];
    private readonly Queue<long> _order = new();
    private readonly IncrementalHash? _digest = digests ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
    private (long Index, byte[] Buffer, int Length)? _coming;

    /// <summary>How many blocks are in the digest.</summary>
    internal long Digested { get; private set; }

    /// <summary>A block that is kept.</summary>
    internal bool TryFind(long index, out ReadOnlyMemory<byte> block)
    {
        bool found = _buffers.TryGetValue(index, out byte[]? buffer);
        block = buffer.AsMemory(0, found ? _lengths[index] : 0);
        return found;
    }

    /// <summary>The block that the digest wants before this one is read; null for none.</summary>
    internal long? WantsBefore(long index) => _digest is not null && Digested < index && index - Digested <= Near ? Digested : null;

    /// <summary>Where a block is to be read to. Until it is kept, it is none.</summary>
    internal Memory<byte> Make(long index, int length)
    {
        byte[] buffer = _coming?.Buffer ?? (_order.Count < Kept ? new byte[UrlImage.BlockLength] : Drop(_order.Dequeue()));
        _coming = (index, buffer, length);
        return buffer.AsMemory(0, length);
    }

    /// <summary>Keeps the block that was made last: all of it has come.</summary>
    internal void Keep()
    {
        (long index, byte[] buffer, int length) = _coming!.Value;
        _coming = null;
        if (_buffers.TryAdd(index, buffer))
        {
            _lengths[index] = length;
            _order.Enqueue(index);
        }

        while (_digest is not null && _buffers.TryGetValue(Digested, out byte[]? next))
        {
            _digest.AppendData(next, 0, _lengths[Digested++]);
        }
    }

    /// <summary>The digest of all of them.</summary>
    internal string Digest() => Convert.ToHexStringLower(_digest!.GetHashAndReset());

    /// <inheritdoc/>
    public void Dispose() => _digest?.Dispose();

    private byte[] Drop(long index)
    {
        _buffers.Remove(index, out byte[]? buffer);
        _lengths.Remove(index);
        return buffer!;
    }
}
