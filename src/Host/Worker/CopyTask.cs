using System.Buffers;

namespace EveStorage.Host.Worker;

/// <summary>
/// What is read, decoded and written as one: a run of plain bytes or of zeros, or encoded pieces that follow one another on the
/// disk and lie near each other in the image.
/// </summary>
internal sealed class CopyTask
{
    /// <summary>How much of the disk it is at most: long enough that handing it over and a system call cost nothing beside it. One piece may be longer.</summary>
    internal const int MostDecoded = 1 << 20;

    private readonly List<DiskPiece> _pieces = [];
    private readonly List<(int Start, int Length)> _taken = [];
    private byte[]? _bytes;
    private int _bytesLength;

    internal CopyTask(DiskPiece first)
    {
        _pieces.Add(first);
        (SourceStart, SourceEnd) = (first.Extent.SourceOffset, first.Extent.SourceOffset + first.Extent.SourceLength);
        Length = first.Length;
    }

    /// <summary>Its pieces, in their order on the disk.</summary>
    internal IReadOnlyList<DiskPiece> Pieces => _pieces;

    /// <summary>The first of them, which is the only one unless they are encoded.</summary>
    internal DiskPiece First => _pieces[0];

    /// <summary>Where it begins on the disk.</summary>
    internal long GuestOffset => First.GuestOffset;

    /// <summary>How much of the disk it is.</summary>
    internal long Length { get; private set; }

    /// <summary>Where the encoded pieces begin in the image.</summary>
    internal long SourceStart { get; private set; }

    /// <summary>Where they end.</summary>
    internal long SourceEnd { get; private set; }

    /// <summary>What of a copy it is; null where nobody marks that.</summary>
    internal CopyPart? Part { get; set; }

    /// <summary>Whether its bytes came where a stream passed.</summary>
    internal bool HasBytes => _bytes is not null;

    /// <summary>Adds an encoded piece that goes on where the others end; false when it does not fit in.</summary>
    internal bool TryAdd(DiskPiece next)
    {
        long start = Math.Min(SourceStart, next.Extent.SourceOffset);
        long end = Math.Max(SourceEnd, next.Extent.SourceOffset + next.Extent.SourceLength);
        if (!IsWhole(First) || !IsWhole(next) || next.Layer != First.Layer || next.GuestOffset != GuestOffset + Length
            || Length + next.Length > MostDecoded || end - start > PieceReader.LongestPiece
            || (_bytes is not null && next.Extent.SourceLength > _bytes.Length - _bytesLength))
        {
            return false;
        }

        _pieces.Add(next);
        (SourceStart, SourceEnd) = (start, end);
        Length += next.Length;
        return true;
    }

    /// <summary>Room for the bytes of the piece that was added last.</summary>
    internal Memory<byte> PlaceFor(int length)
    {
        _bytes ??= ArrayPool<byte>.Shared.Rent(Math.Max(length, MostDecoded));
        return _bytes.AsMemory(_bytesLength, length);
    }

    /// <summary>That so many came there.</summary>
    internal void Took(int length)
    {
        _taken.Add((_bytesLength, length));
        _bytesLength += length;
    }

    /// <summary>The bytes of a piece.</summary>
    internal ReadOnlyMemory<byte> BytesOf(int piece) => _bytes.AsMemory(_taken[piece].Start, _taken[piece].Length);

    /// <summary>Lets go of the bytes.</summary>
    internal void Return()
    {
        if (_bytes is not null)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = null;
        }
    }

    // Of one through which another image shows in places only parts are wanted, one after the other.
    private static bool IsWhole(in DiskPiece piece)
        => piece.IsData && !piece.IsPlain && piece.GuestOffset == piece.Extent.GuestOffset && piece.Length == piece.Extent.Length;
}
