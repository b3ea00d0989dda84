using System.Buffers.Binary;

namespace EveStorage.Testing;

/// <summary>
/// Images that are each made by a number, always the same: a sound or a hostile one, changed in a few places where the format
/// has a number, a flag, an offset or compressed bytes, by values that formats are broken with.
/// </summary>
public static class FuzzedImage
{
    private const int SoundImages = 192;

    // Where a header has numbers, and how many bytes each of them takes.
    private static readonly (int At, int Length)[] s_fields =
    [
        (4, 4), (8, 8), (16, 4), (20, 4), (24, 8), (32, 4), (36, 4), (40, 8), (48, 8), (56, 4), (60, 4), (64, 8), (72, 8), (80, 8), (88, 8), (96, 4), (100, 4), (104, 1), (104, 4), (108, 4), (112, 4), (116, 4),
    ];

    private static readonly ulong[] s_values =
    [
        0, 1, 2, 3, 7, 8, 9, 10, 14, 16, 21, 22, 63, 64, 72, 104, 112, 128, 255, 256, 511, 512, 513, 1024, 1536, 2048, 4096, 16384, 65535, 65536, 65537, 131072, 196608, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
        0x100000000, 1UL << 40, 1UL << 47, 1UL << 54, 1UL << 55, 1UL << 56, 1UL << 61, 1UL << 62, (1UL << 62) | 512, (1UL << 62) - 512, 1UL << 63, (1UL << 63) | 1536, (1UL << 63) - 512, ulong.MaxValue, ulong.MaxValue - 511,
    ];

    private static readonly SoundImage?[] s_sound = new SoundImage?[SoundImages];

    /// <summary>One of the sound ones.</summary>
    public static SoundImage Sound(int number) => s_sound[number % SoundImages] ??= SoundImage.Make(number % SoundImages);

    /// <summary>Makes one.</summary>
    public static byte[] Make(int number)
    {
        Random random = new(number);

        // The hostile ones have clusters of 64 KiB, which takes ten times as long, and what is changed in them is seldom met.
        if (random.Next(64) == 0)
        {
            byte[] hostile = [.. HostileCorpus.All[random.Next(HostileCorpus.All.Count)].Bytes];
            Change(hostile, null, random);
            return hostile;
        }

        SoundImage sound = Sound(random.Next(SoundImages));
        byte[] bytes = [.. sound.Bytes];
        for (int changes = Math.Max(1, random.Next(-2, 7)); changes > 0; changes--)
        {
            Change(bytes, sound, random);
        }

        return random.Next(12) switch
        {
            0 => bytes[..random.Next(bytes.Length + 1)],
            1 => [.. bytes, .. new byte[random.Next(1, 2000)]],
            _ => bytes,
        };
    }

    private static void Change(byte[] bytes, SoundImage? sound, Random random)
    {
        switch (random.Next(8))
        {
            case 0 or 1:
                (int at, int length) = s_fields[random.Next(s_fields.Length)];
                Put(bytes, at, length, ValueFor(sound, bytes, random));
                break;
            case 2 or 3 or 4 when sound is { Entries.Count: > 0 }:
                ChangeEntry(bytes, sound.Entries[random.Next(sound.Entries.Count)], sound, random);
                break;
            case 5 when sound is { Payloads.Count: > 0 }:
                (int start, int payload) = sound.Payloads[random.Next(sound.Payloads.Count)];
                bytes[start + random.Next(payload)] = (byte)random.Next(256);
                break;
            case 6:
                // What stands elsewhere in it: entries of other tables, other tables' ends.
                int run = random.Next(1, 65) & -(random.Next(2) == 0 ? 8 : 1);
                int from = random.Next(Math.Max(1, bytes.Length - 64));
                bytes.AsSpan(from, Math.Min(run, bytes.Length - from)).ToArray().AsSpan().CopyTo(bytes.AsSpan(random.Next(Math.Max(1, bytes.Length - 64))));
                break;
            default:
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                break;
        }
    }

    private static void ChangeEntry(byte[] bytes, int at, SoundImage sound, Random random)
    {
        ulong was = BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(at));
        ulong becomes = random.Next(6) switch
        {
            0 => was ^ (1UL << random.Next(64)),
            1 => was + (ulong)(random.Next(-2, 3) * sound.ClusterSize),
            2 => BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(sound.Entries[random.Next(sound.Entries.Count)])),
            3 => (1UL << 62) | ((ulong)random.NextInt64() & ((1UL << 62) - 1) & ~(0xFFFFFFUL << 20)),
            _ => ValueFor(sound, bytes, random),
        };
        Put(bytes, at, sizeof(ulong), becomes);
    }

    private static ulong ValueFor(SoundImage? sound, byte[] bytes, Random random) => random.Next(4) switch
    {
        0 => (ulong)random.NextInt64(),
        1 when sound is not null => (ulong)(random.Next((bytes.Length / sound.ClusterSize) + 2) * sound.ClusterSize),
        2 => (ulong)random.Next(bytes.Length + 1),
        _ => s_values[random.Next(s_values.Length)],
    };

    private static void Put(byte[] bytes, int at, int length, ulong value)
    {
        for (int number = length - 1; number >= 0; number--, value >>= 8)
        {
            if (at + number < bytes.Length)
            {
                bytes[at + number] = (byte)value;
            }
        }
    }
}
