using System.IO.Compression;
using EveStorage.Linux;
using SharpCompress.Common;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace EveStorage.Host.Worker;

/// <summary>Images that are wrapped in a compressed stream, as they are published: known by their first bytes.</summary>
internal static class Unwrapping
{
    // A frame that wants more than 128 MiB, as only `zstd --ultra --long` makes it, wants too much of us.
    private const int MaxWindowLog = 27;

    /// <summary>What an image is wrapped in; null when in nothing.</summary>
    internal static string? Recognize(ReadOnlySpan<byte> head)
        => head.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B, 0x08]) ? "gzip"
            : head.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD]) ? "zstd"
            : head.StartsWith((ReadOnlySpan<byte>)[0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0]) ? "xz"
            : null;

    /// <summary>The stream within <paramref name="stream"/>, which goes with it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: that is not unwrapped here.</exception>
    internal static Stream Open(Stream stream, string wrapping, string subject) => wrapping switch
    {
        "gzip" => new GZipStream(stream, CompressionMode.Decompress),
        "zstd" => Zstd(stream),
        "xz" => new XzStreams(stream),
        _ => throw new StorageException(StorageErrorKind.NotSupported, subject, $"is wrapped in {wrapping}, which nobody here unwraps"),
    };

    /// <summary>Reads from a stream of any kind, and tells what is wrong with it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: it does not decode. Others: it can't be read.</exception>
    internal static int Read(Stream stream, Span<byte> target, string subject)
    {
        try
        {
            return stream.Read(target);
        }
        catch (Exception e) when (e is InvalidDataException or ZstdException or EndOfStreamException or SharpCompressException)
        {
            throw new StorageException(StorageErrorKind.Corrupt, subject, "is wrapped in a compressed stream that does not decode: it is damaged or was cut short", e);
        }
        catch (IOException e)
        {
            throw FileCalls.Failure(subject, e);
        }
    }

    private static DecompressionStream Zstd(Stream stream)
    {
        DecompressionStream decoder = new(stream, leaveOpen: false);
        decoder.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, MaxWindowLog);
        return decoder;
    }
}
