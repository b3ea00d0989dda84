using System.Collections.Concurrent;
using System.IO.Compression;

namespace EveStorage.ZfsStreamImport;

/// <summary>Decodes blocks. Safe for many calls at once.</summary>
internal sealed class BlockDecoder(string subject) : IDisposable
{
    private readonly ConcurrentBag<ZstdBlock> _idle = [];

    /// <summary>Fills <paramref name="target"/>, which is as long as the record's range, from its payload.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: it does not decode to what the record says.</exception>
    internal void Decode(in StreamRecord record, ReadOnlySpan<byte> payload, Span<byte> target)
    {
        ReadOnlySpan<byte> encoded = payload[..record.EncodedLength];
        Span<byte> decoded = target[..record.DecodedLength];
        target[record.DecodedLength..].Clear();
        bool done = record.Compression switch
        {
            BlockCompression.None => Copy(encoded, decoded),
            BlockCompression.Lzjb => LzjbBlock.TryDecode(encoded, decoded),
            BlockCompression.Gzip => Inflate(encoded, decoded),
            BlockCompression.Zle => ZleBlock.TryDecode(encoded, decoded),
            BlockCompression.Lz4 => Lz4Block.TryDecodeZfs(encoded, decoded),
            BlockCompression.Zstd => DecodeZstd(encoded, decoded),
            _ => false,
        };
        if (!done)
        {
            throw new StorageException(StorageErrorKind.Corrupt, subject, $"has a block in {record.Compression} that does not decode to {record.DecodedLength} bytes");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_idle.TryTake(out ZstdBlock? block))
        {
            block.Dispose();
        }
    }

    private static bool Copy(ReadOnlySpan<byte> encoded, Span<byte> decoded)
        => encoded.Length >= decoded.Length && encoded[..decoded.Length].TryCopyTo(decoded);

    // zlib's format; what pads it behind is never read.
    private static unsafe bool Inflate(ReadOnlySpan<byte> encoded, Span<byte> decoded)
    {
        fixed (byte* bytes = encoded)
        {
            using UnmanagedMemoryStream stream = new(bytes, encoded.Length);
            using ZLibStream inflater = new(stream, CompressionMode.Decompress);
            try
            {
                return inflater.ReadAtLeast(decoded, decoded.Length, throwOnEndOfStream: false) == decoded.Length;
            }
            catch (Exception e) when (e is InvalidDataException or IOException)
            {
                return false;   // the second where it asks for a dictionary
            }
        }
    }

    private bool DecodeZstd(ReadOnlySpan<byte> encoded, Span<byte> decoded)
    {
        ZstdBlock block = _idle.TryTake(out ZstdBlock? idle) ? idle : new();
        try
        {
            return block.TryDecodeZfs(encoded, decoded);
        }
        finally
        {
            _idle.Add(block);
        }
    }
}
