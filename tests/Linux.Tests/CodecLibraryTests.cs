using System.IO.Compression;
using EveStorage.Linux;

namespace EveStorage.Tests;

public sealed class CodecLibraryTests
{
    private static readonly byte[] s_bytes = [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i / 100))];

    [Fact]
    public void Deflate_decodes_to_the_length_that_is_asked_for_and_to_no_other()
    {
        using DeflateLibrary.Decoder decoder = Found(DeflateLibrary.Find(), "libdeflate0").MakeDecoder();
        using MemoryStream deflated = new();
        using (DeflateStream deflater = new(deflated, CompressionLevel.Fastest, leaveOpen: true))
        {
            deflater.Write(s_bytes);
        }

        byte[] decoded = new byte[s_bytes.Length];
        decoder.TryDecode(deflated.ToArray(), new byte[s_bytes.Length - 1]).ShouldBeFalse();
        decoder.TryDecode(deflated.ToArray(), new byte[s_bytes.Length + 1]).ShouldBeFalse();
        decoder.TryDecode([], decoded).ShouldBeFalse();
        decoder.TryDecode([.. deflated.ToArray(), 1, 2, 3], decoded).ShouldBeTrue();

        decoded.ShouldBe(s_bytes);
    }

    [Fact]
    public void Zstd_makes_a_frame_that_it_decodes_and_forgets_one_that_was_broken_off()
    {
        ZstdLibrary library = Found(ZstdLibrary.Find(), "libzstd1");
        using ZstdLibrary.Encoder encoder = library.MakeEncoder(level: 1);
        using ZstdLibrary.Decoder decoder = library.MakeDecoder(maxWindowLog: 22);
        byte[] frame = new byte[s_bytes.Length];
        int length = encoder.Encode(s_bytes, frame);
        byte[] decoded = new byte[s_bytes.Length];

        decoder.Decode(frame.AsSpan(0, length / 2), decoded, out _, out _).ShouldNotBe(0);
        decoder.Reset();
        decoder.Decode(frame.AsSpan(0, length), decoded, out int taken, out int made).ShouldBe(0);

        (taken, made).ShouldBe((length, s_bytes.Length));
        decoded.ShouldBe(s_bytes);
        encoder.Encode(s_bytes, new byte[length - 1]).ShouldBe(0);
        decoder.Decode([1, 2, 3, 4, 5, 6, 7, 8], decoded, out _, out _).ShouldBeNull();
    }

    private static T Found<T>(T? library, string package)
        where T : class
        => library
            ?? (Environment.GetEnvironmentVariable("CI") == "true" ? throw new InvalidOperationException($"it is needed: install {package}") : throw Xunit.Sdk.SkipException.ForSkip($"{package} is missing"));
}
