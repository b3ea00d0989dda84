using System.Security.Cryptography;
using EveStorage.ZfsStreamImport;

namespace EveStorage.Tests;

/// <summary>Replays a stream in this process as the host does in its worker.</summary>
internal static class Replay
{
    // What the host's worker takes as one piece.
    private const long LongestPiece = 4 << 20;
    private const long LargestVolume = 64 << 20;

    /// <summary>The disk.</summary>
    internal static async Task<byte[]> DiskAsync(params byte[][] streams)
    {
        byte[] chain = streams is [byte[] one] ? one : [.. streams.SelectMany(stream => stream)];
        MemorySource source = new(chain);
        await using IImageReader reader = await new ZfsStreamFormat().OpenAsync(source, default);
        if (reader.VirtualSize.Bytes > LargestVolume)
        {
            // As a pool refuses it; a flip made it so large.
            throw new StorageException(StorageErrorKind.OutOfSpace, source.Name, $"has a disk of {reader.VirtualSize}");
        }

        byte[] disk = new byte[reader.VirtualSize.Bytes];
        byte[] buffer = new byte[LongestPiece];
        long at = 0;
        await foreach (ImageExtent extent in reader.ReadExtentsAsync(default))
        {
            extent.GuestOffset.ShouldBe(at);
            extent.Length.ShouldBeInRange(1, disk.Length - at);
            at += extent.Length;
            if (extent.Kind != ExtentKind.Data)
            {
                continue;
            }

            if (extent.Encoding != ExtentEncoding.Plain)
            {
                Math.Max(extent.Length, extent.SourceLength).ShouldBeLessThanOrEqualTo(LongestPiece);
            }

            byte[] encoded = extent.SourceLength > buffer.Length ? new byte[extent.SourceLength] : buffer;
            int read = await source.ReadAsync(extent.SourceOffset, encoded.AsMemory(0, (int)extent.SourceLength), default);
            reader.Decode(extent, encoded.AsSpan(0, read), disk.AsSpan((int)extent.GuestOffset, (int)extent.Length));
        }

        at.ShouldBe(disk.Length);
        return disk;
    }

    /// <summary>The SHA-256 of the disk.</summary>
    internal static async Task<string> DigestAsync(params byte[][] streams) => Convert.ToHexStringLower(SHA256.HashData(await DiskAsync(streams)));
}
