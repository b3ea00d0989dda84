using System.Collections.Concurrent;
using System.IO.Compression;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace EveStorage.Qcow2Import;

/// <summary>Decodes clusters. Safe for many calls at once.</summary>
internal sealed class ClusterDecoder(string subject) : IDisposable
{
    // The largest cluster has 2^21 bytes; a frame that wants a larger window only wants memory.
    private const int MaxWindowLog = 22;

    private readonly ConcurrentBag<Decompressor> _idle = [];

    /// <summary>Fills <paramref name="target"/> from the start of <paramref name="source"/>, which may hold other bytes behind.</summary>
    /// <exception cref="StorageException">They don't decode to as many bytes.</exception>
    internal void Decode(ExtentEncoding encoding, ReadOnlySpan<byte> source, Span<byte> target)
    {
        int decoded = encoding switch
        {
            ExtentEncoding.Plain => Copy(source, target),
            ExtentEncoding.Deflate => Inflate(source, target),
            ExtentEncoding.Zstd => DecodeZstd(source, target),
            _ => throw new StorageException(StorageErrorKind.NotSupported, subject, $"has a cluster in {encoding}"),
        };
        if (decoded != target.Length)
        {
            throw new StorageException(StorageErrorKind.Corrupt, subject, $"has a compressed cluster of {decoded} bytes instead of {target.Length}");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_idle.TryTake(out Decompressor? decompressor))
        {
            decompressor.Dispose();
        }
    }

    // What lies behind the end of the file reads as zero.
    private static int Copy(ReadOnlySpan<byte> source, Span<byte> target)
    {
        source.CopyTo(target);
        target[source.Length..].Clear();
        return target.Length;
    }

    private unsafe int Inflate(ReadOnlySpan<byte> source, Span<byte> target)
    {
        fixed (byte* bytes = source)
        {
            using UnmanagedMemoryStream stream = new(bytes, source.Length);
            using DeflateStream inflater = new(stream, CompressionMode.Decompress);
            try
            {
                return inflater.ReadAtLeast(target, target.Length, throwOnEndOfStream: false);
            }
            catch (InvalidDataException e)
            {
                throw new StorageException(StorageErrorKind.Corrupt, subject, "has a compressed cluster that does not decode", e);
            }
        }
    }

    // QEMU reads frames until the cluster is full, and so does a decompressing stream.
    private unsafe int DecodeZstd(ReadOnlySpan<byte> source, Span<byte> target)
    {
        fixed (byte* bytes = source)
        {
            Decompressor decompressor = _idle.TryTake(out Decompressor? idle) ? idle : NewDecompressor();
            try
            {
                using UnmanagedMemoryStream stream = new(bytes, source.Length);
                using DecompressionStream decoding = new(stream, decompressor, bufferSize: source.Length, checkEndOfStream: false);
                int decoded = decoding.ReadAtLeast(target, target.Length, throwOnEndOfStream: false);
                _idle.Add(decompressor);
                return decoded;
            }
            catch (Exception e) when (e is ZstdException or EndOfStreamException)
            {
                decompressor.Dispose();
                throw new StorageException(StorageErrorKind.Corrupt, subject, "has a compressed cluster that does not decode", e);
            }
        }
    }

    private static Decompressor NewDecompressor()
    {
        Decompressor decompressor = new();
        decompressor.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, MaxWindowLog);
        return decompressor;
    }
}
