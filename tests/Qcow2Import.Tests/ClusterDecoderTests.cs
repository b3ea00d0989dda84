using System.IO.Compression;
using EveStorage.Qcow2Import;
using ZstdSharp;

namespace EveStorage.Tests;

public sealed class ClusterDecoderTests
{
    private const int ClusterSize = 65536;
    private const string Libraries = "the system's libraries";

    public static TheoryData<string> Codecs => ["managed code", Libraries];

    [Theory]
    [MemberData(nameof(Codecs))]
    public void A_cluster_whose_frame_does_not_end_never_reaches_the_next_cluster(string codecs)
    {
        using ClusterDecoder decoder = new("disk.qcow2", ClusterSize, Of(codecs));
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

    [Theory]
    [MemberData(nameof(Codecs))]
    public void A_cluster_of_several_frames_with_other_bytes_behind_decodes(string codecs)
    {
        using ClusterDecoder decoder = new("disk.qcow2", ClusterSize, Of(codecs));
        using Compressor compressor = new();
        byte[] cluster = RandomBytes(ClusterSize);
        byte[] frames = [.. compressor.Wrap(cluster.AsSpan(0, 1000)), .. compressor.Wrap(cluster.AsSpan(1000)), .. RandomBytes(700)];
        byte[] decoded = new byte[ClusterSize];

        decoder.Decode(ExtentEncoding.Zstd, frames, decoded);

        decoded.ShouldBe(cluster);
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void A_cluster_that_reaches_beyond_the_disk_is_decoded_as_far_as_the_disk_does(string codecs)
    {
        using ClusterDecoder decoder = new("disk.qcow2", ClusterSize, Of(codecs));
        using Compressor compressor = new();
        byte[] cluster = RandomBytes(ClusterSize);
        byte[] decoded = new byte[ClusterSize - 512];

        decoder.Decode(ExtentEncoding.Zstd, compressor.Wrap(cluster), decoded);

        decoded.ShouldBe(cluster[..^512]);
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void What_inflates_without_end_stops_at_the_cluster(string codecs)
    {
        using ClusterDecoder decoder = new("disk.qcow2", ClusterSize, Of(codecs));
        using Compressor compressor = new();
        byte[] zeros = new byte[50 << 20];
        byte[] zstd = compressor.Wrap(zeros).ToArray();
        byte[] deflated = Deflated(zeros);
        byte[] decoded = RandomBytes(ClusterSize);
        long before = GC.GetAllocatedBytesForCurrentThread();

        decoder.Decode(ExtentEncoding.Deflate, deflated, decoded);   // QEMU takes the first cluster of it, too
        decoded.ShouldAllBe(value => value == 0);
        Should.Throw<StorageException>(() => decoder.Decode(ExtentEncoding.Zstd, zstd, decoded)).Kind.ShouldBe(StorageErrorKind.Corrupt);

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(8 << 20);
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void Deflate_that_ends_too_early_or_is_none_is_refused_and_one_cut_short_by_the_disk_decodes(string codecs)
    {
        using ClusterDecoder decoder = new("disk.qcow2", ClusterSize, Of(codecs));
        byte[] cluster = new byte[ClusterSize];
        RandomBytes(ClusterSize / 2).CopyTo(cluster, 0);
        byte[] sound = Deflated(cluster);
        byte[] decoded = new byte[ClusterSize];

        foreach (byte[] bad in (byte[][])[Deflated(cluster[..1000]), sound[..(sound.Length / 2)], [0xFF, 0xFF, 0xFF, 0xFF], []])
        {
            Should.Throw<StorageException>(() => decoder.Decode(ExtentEncoding.Deflate, bad, decoded)).Kind.ShouldBe(StorageErrorKind.Corrupt);
            decoder.Decode(ExtentEncoding.Deflate, [.. sound, .. RandomBytes(300)], decoded);
            decoded.ShouldBe(cluster);
        }

        decoder.Decode(ExtentEncoding.Deflate, sound, decoded.AsSpan(512));
        decoded[512..].ShouldBe(cluster[..^512]);
    }

    // In CI the libraries are there; elsewhere what decodes without them is tested all the same.
    private static ClusterCodecs Of(string codecs)
    {
        if (codecs != Libraries)
        {
            return ClusterCodecs.Managed;
        }

        ClusterCodecs found = ClusterCodecs.Find();
        return found is { Deflate: not null, Zstd: not null } ? found
            : Environment.GetEnvironmentVariable("CI") == "true" ? throw new InvalidOperationException("libdeflate and libzstd are needed: install libdeflate0 and libzstd1")
            : throw Xunit.Sdk.SkipException.ForSkip("libdeflate or libzstd is missing");
    }

    private static byte[] Deflated(byte[] bytes)
    {
        using MemoryStream deflated = new();
        using (DeflateStream deflater = new(deflated, CompressionLevel.Optimal, leaveOpen: true))
        {
            deflater.Write(bytes);
        }

        return deflated.ToArray();
    }

    private static byte[] RandomBytes(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }
}
