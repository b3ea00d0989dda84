using System.Collections.Concurrent;
using System.IO.Compression;

namespace EveStorage.Qcow2Import;

/// <summary>Decodes clusters. Safe for many calls at once.</summary>
internal sealed class ClusterDecoder(string subject, int clusterSize) : IDisposable
{
    private readonly ConcurrentBag<ZstdFrames> _idle = [];

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
        while (_idle.TryTake(out ZstdFrames? frames))
        {
            frames.Dispose();
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
        if (source.IsEmpty)
        {
            return 0;   // a stream that ended before; and there is no address of nothing
        }

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

    private int DecodeZstd(ReadOnlySpan<byte> source, Span<byte> target)
    {
        ZstdFrames frames = _idle.TryTake(out ZstdFrames? idle) ? idle : new();
        try
        {
            return frames.Decode(source, target, isWhole: target.Length == clusterSize);
        }
        catch (InvalidDataException e)
        {
            throw new StorageException(StorageErrorKind.Corrupt, subject, "has a compressed cluster that does not decode", e);
        }
        finally
        {
            _idle.Add(frames);
        }
    }
}
