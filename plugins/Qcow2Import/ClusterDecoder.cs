using System.Collections.Concurrent;
using System.IO.Compression;
using EveStorage.Linux;

namespace EveStorage.Qcow2Import;

/// <summary>Decodes clusters. Safe for many calls at once.</summary>
internal sealed class ClusterDecoder(string subject, int clusterSize, ClusterCodecs codecs) : IDisposable
{
    private readonly ConcurrentBag<ZstdFrames> _idleFrames = [];
    private readonly ConcurrentBag<DeflateLibrary.Decoder> _idleDeflate = [];

    /// <summary>Fills <paramref name="target"/> from the start of <paramref name="source"/>, which may hold other bytes behind.</summary>
    /// <exception cref="StorageException">They don't decode to as many bytes.</exception>
    internal void Decode(ExtentEncoding encoding, ReadOnlySpan<byte> source, Span<byte> target)
    {
        int decoded = encoding switch
        {
            ExtentEncoding.Plain => Copy(source, target),
            ExtentEncoding.Deflate => TryInflate(source, target) ? target.Length : Inflate(source, target),
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
        while (_idleFrames.TryTake(out ZstdFrames? frames))
        {
            frames.Dispose();
        }

        while (_idleDeflate.TryTake(out DeflateLibrary.Decoder? decoder))
        {
            decoder.Dispose();
        }
    }

    // What lies behind the end of the file reads as zero.
    private static int Copy(ReadOnlySpan<byte> source, Span<byte> target)
    {
        source.CopyTo(target);
        target[source.Length..].Clear();
        return target.Length;
    }

    // What it does not take may still be a cluster: one that goes on behind its end, or is cut short where the disk ends.
    private bool TryInflate(ReadOnlySpan<byte> source, Span<byte> target)
    {
        if (codecs.Deflate is null)
        {
            return false;
        }

        DeflateLibrary.Decoder decoder = _idleDeflate.TryTake(out DeflateLibrary.Decoder? idle) ? idle : codecs.Deflate.MakeDecoder();
        bool isWhole = decoder.TryDecode(source, target);
        _idleDeflate.Add(decoder);
        return isWhole;
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
        ZstdFrames frames = _idleFrames.TryTake(out ZstdFrames? idle) ? idle : new(codecs.MakeFrameDecoder());
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
            _idleFrames.Add(frames);
        }
    }
}
