using System.Security.Cryptography;

namespace EveStorage.Tests;

/// <summary>Whatever becomes of a real stream on its way, it is refused, or what it replays to is what the volume held.</summary>
public sealed class DamageTests
{
    // EVESTORAGE_LONG=1 takes as many as a night has.
    private static readonly bool s_long = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";
    private static readonly int s_cuts = s_long ? 50 : 5;
    private static readonly int s_flips = s_long ? 1000 : 10;

    public static TheoryData<string> Replayed => [.. RealStreamCases.All.Select(stream => stream.Name)];

    public static TheoryData<string> Refused => [.. RealStreamCases.Refused.Keys, "vol-huge.plain.zs", "vol-res.cut.zs"];

    [Theory]
    [MemberData(nameof(Replayed))]
    public async Task A_stream_that_is_cut_is_refused(string name)
    {
        (string _, byte[] bytes, string content) = RealStreamCases.All.Single(stream => stream.Name == name);
        Random random = new(bytes.Length);
        for (int i = 0; i < s_cuts; i++)
        {
            int length = random.Next(bytes.Length);

            // A chain that ends where one of its streams does is whole, and another volume.
            string? digest = await TryDigestAsync(bytes[..length]);
            if (digest is not null)
            {
                digest.ShouldNotBe(content, $"{name} cut at {length}");
                name.ShouldContain(' ', customMessage: $"{name} cut at {length}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Replayed))]
    public async Task A_flipped_byte_is_refused_or_says_nothing_of_the_volume(string name)
    {
        (string _, byte[] bytes, string content) = RealStreamCases.All.Single(stream => stream.Name == name);
        Random random = new(bytes.Length);
        for (int i = 0; i < s_flips; i++)
        {
            // Half of them where records are dense: payloads are most of the bytes and least of the meaning.
            int at = i % 2 == 0 ? random.Next(bytes.Length) : random.Next(Math.Min(2000, bytes.Length));
            byte flip = (byte)random.Next(1, 256);

            bytes[at] ^= flip;
            string? digest = await TryDigestAsync(bytes);
            bytes[at] ^= flip;

            (digest ?? content).ShouldBe(content, $"{name}: {flip:x2} at {at}");
        }
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task What_is_refused_stays_refused_with_any_byte_flipped_or_any_end_cut_off(string name)
    {
        byte[] bytes = RealStreams.Bytes(name).ToArray();
        Random random = new(bytes.Length);
        for (int i = 0; i < s_flips; i++)
        {
            int at = i % 2 == 0 ? random.Next(bytes.Length) : random.Next(Math.Min(2000, bytes.Length));
            byte flip = (byte)random.Next(1, 256);

            bytes[at] ^= flip;
            (await TryDigestAsync(bytes)).ShouldBeNull($"{name}: {flip:x2} at {at}");
            bytes[at] ^= flip;
            (await TryDigestAsync(bytes[..random.Next(bytes.Length)])).ShouldBeNull(name);
        }
    }

    private static async Task<string?> TryDigestAsync(byte[] bytes)
    {
        try
        {
            return Convert.ToHexStringLower(SHA256.HashData(await Replay.DiskAsync(bytes)));
        }
        catch (StorageException)
        {
            return null;
        }
    }
}
