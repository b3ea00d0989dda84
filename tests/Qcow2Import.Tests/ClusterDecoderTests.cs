using System.IO.Compression;
using EveStorage.Qcow2Import;
using ZstdSharp;

namespace EveStorage.Tests;

public sealed class ClusterDecoderTests
{
    private const int ClusterSize = 65536;

    [Fact]
    public void A_cluster_whose_frame_does_not_end_never_reaches_the_next_cluster()
    {
        using ClusterDecoder decoder = new("disk.qcow2", ClusterSize);
        using Compressor compressor = new();
        byte[] cluster = RandomBytes(ClusterSize);
        byte[] sound = compressor.Wrap(cluster).ToArray();
        byte[] tooLong = compressor.Wrap(RandomBytes(4 * ClusterSize)).ToArray();
        byte[] decoded = new byte[ClusterSize];

        foreach (byte[] bad in (byte[][])[tooLong, sound[..(sound.Length / 2)], [1, 2, 3, 4, 5, 6, 7, 8]])
        {
            Should.Throw<StorageException>(() => decoder.Decode(ExtentEncoding.Zstd, bad, decoded)).Kind.ShouldBe(StorageErrorKind.Corrupt);
            decoder.Decode(ExtentEncoding.Zstd, sound, decoded);
            decoded.ShouldBe(cluster);
        }
    }

    [Fact]
    public void A_cluster_of_several_frames_with_other_bytes_behind_decodes()
    {
        using ClusterDecoder decoder = new("disk.qcow2", ClusterSize);
        using Compressor compressor = new();
        byte[] cluster = RandomBytes(ClusterSize);
        byte[] frames = [.. compressor.Wrap(cluster.AsSpan(0, 1000)), .. compressor.Wrap(cluster.AsSpan(1000)), .. RandomBytes(700)];
        byte[] decoded = new byte[ClusterSize];

        decoder.Decode(ExtentEncoding.Zstd, frames, decoded);

        decoded.ShouldBe(cluster);
    }

    [Fact]
    public void A_cluster_that_reaches_beyond_the_disk_is_decoded_as_far_as_the_disk_does()
    {
        using ClusterDecoder decoder = new("disk.qcow2", ClusterSize);
        using Compressor compressor = new();
        byte[] cluster = RandomBytes(ClusterSize);
        byte[] decoded = new byte[ClusterSize - 512];

        decoder.Decode(ExtentEncoding.Zstd, compressor.Wrap(cluster), decoded);

        decoded.ShouldBe(cluster[..^512]);
    }

    [Fact]
    public void What_inflates_without_end_stops_at_the_cluster()
    {
        using ClusterDecoder decoder = new("disk.qcow2", ClusterSize);
        using Compressor compressor = new();
        byte[] zeros = new byte[50 << 20];
        byte[] zstd = compressor.Wrap(zeros).ToArray();
        using MemoryStream deflated = new();
        using (DeflateStream deflater = new(deflated, CompressionLevel.Optimal, leaveOpen: true))
        {
            deflater.Write(zeros);
        }

        byte[] decoded = RandomBytes(ClusterSize);
        long before = GC.GetAllocatedBytesForCurrentThread();

        decoder.Decode(ExtentEncoding.Deflate, deflated.ToArray(), decoded);   // QEMU takes the first cluster of it, too
        decoded.ShouldAllBe(value => value == 0);
        Should.Throw<StorageException>(() => decoder.Decode(ExtentEncoding.Zstd, zstd, decoded)).Kind.ShouldBe(StorageErrorKind.Corrupt);

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(8 << 20);
    }

    private static byte[] RandomBytes(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }
}
