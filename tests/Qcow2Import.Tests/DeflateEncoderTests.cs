using System.IO.Compression;
using CsCheck;
using EveStorage.Qcow2Import;

namespace EveStorage.Tests;

public sealed class DeflateEncoderTests
{
    private const int Cluster = 65536;

    // Runs of bytes and copies of what came before: few of them are nearly all one symbol, and many nearly noise.
    private static readonly Gen<byte[]> s_cluster =
        Gen.Select(Gen.Int[0, 2], Gen.Int[1, 5000], Gen.Int[1, 6000], Gen.Int[0, int.MaxValue]).Array[1, 400].Select(ClusterOf);

    [Fact]
    public void Whatever_it_packs_the_framework_unpacks_and_it_reaches_back_4_KiB_at_most()
    {
        using DeflateEncoder encoder = new();
        s_cluster.Sample(
            cluster =>
            {
                byte[] packed = new byte[Cluster - 1];
                int length = encoder.Encode(cluster, packed);
                if (length > 0)
                {
                    Inflate(packed.AsSpan(0, length)).AsSpan().SequenceEqual(cluster).ShouldBeTrue();
                }

                DeflateMatches matches = new();
                matches.Find(cluster);
                matches.Tokens.ToArray().ShouldAllBe(token => (token >> 16) <= 4096);
            },
            iter: 300,
            threads: 1);
    }

    [Fact]
    public void Noise_is_left_as_it_is_and_what_repeats_gets_short()
    {
        using DeflateEncoder encoder = new();
        byte[] noise = new byte[Cluster];
        new Random(1).NextBytes(noise);
        byte[] packed = new byte[Cluster - 1];

        encoder.Encode(noise, packed).ShouldBe(0);
        encoder.Encode(new byte[Cluster], packed).ShouldBeLessThan(100);
        encoder.Encode([.. Enumerable.Range(0, Cluster).Select(at => (byte)(at / 3))], packed).ShouldBeInRange(1, Cluster / 8);
        Inflate(packed)[9].ShouldBe((byte)3);
    }

    // As a code over symbols gets whose frequencies grow as Fibonacci's numbers do: deeper than the 15 bits that deflate has.
    [Fact]
    public void A_code_that_would_be_too_deep_is_made_shallower()
    {
        HuffmanCode code = new(30, 15);
        (int one, int other) = (1, 1);
        for (int symbol = 0; symbol < 30; symbol++)
        {
            code.Frequencies[symbol] = one;
            (one, other) = (other, one + other);
        }

        code.Make();

        code.Lengths.ToArray().Max().ShouldBe((byte)15);
        code.Lengths.ToArray().Sum(length => 1 << (15 - length)).ShouldBe(1 << 15);   // Kraft: whole, and no code begins another
    }

    private static byte[] ClusterOf((int Kind, int Length, int Back, int Seed)[] runs)
    {
        byte[] cluster = new byte[Cluster];
        int at = 0;
        for (int number = 0; at < Cluster; number++)
        {
            (int kind, int length, int back, int seed) = runs[number % runs.Length];
            Span<byte> run = cluster.AsSpan(at, Math.Min(length, Cluster - at));
            if (kind == 0)
            {
                new Random(seed).NextBytes(run);
            }
            else if (kind == 1)
            {
                run.Fill((byte)seed);
            }
            else
            {
                for (int within = 0; within < run.Length; within++)
                {
                    run[within] = at + within >= back ? cluster[at + within - back] : (byte)within;
                }
            }

            at += run.Length;
        }

        return cluster;
    }

    private static byte[] Inflate(ReadOnlySpan<byte> packed)
    {
        using MemoryStream source = new(packed.ToArray());
        using DeflateStream inflater = new(source, CompressionMode.Decompress);
        using MemoryStream target = new();
        inflater.CopyTo(target);
        return target.ToArray();
    }
}
