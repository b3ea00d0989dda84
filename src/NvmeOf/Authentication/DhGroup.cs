using System.Collections.Concurrent;
using System.Numerics;
using System.Security.Cryptography;

namespace EveStorage.NvmeOf;

/// <summary>DHGID: the Diffie-Hellman group of an exchange. NVMe base specification 2.0, "DH-HMAC-CHAP Diffie-Hellman groups".</summary>
public enum DhChapGroup : byte
{
    /// <summary>None: who hears the exchange can guess a weak secret at leisure.</summary>
    Null = 0,

    /// <summary>ffdhe2048 of RFC 7919.</summary>
    Ffdhe2048 = 1,

    /// <summary>ffdhe3072.</summary>
    Ffdhe3072 = 2,

    /// <summary>ffdhe4096.</summary>
    Ffdhe4096 = 3,

    /// <summary>ffdhe6144.</summary>
    Ffdhe6144 = 4,

    /// <summary>ffdhe8192.</summary>
    Ffdhe8192 = 5,
}

/// <summary>
/// A group of RFC 7919. .NET has no Diffie-Hellman over finite fields, so BigInteger computes it, which takes no constant time:
/// every exponent is random, short-lived and used once, and SECURITY.md says what that leaves open.
/// </summary>
internal sealed class DhGroup
{
    // What RFC 7919, appendix A, adds to the digits of e for each length, and twice the strength of the group in bits.
    private static readonly Dictionary<DhChapGroup, (int Bits, int Offset, int ExponentBits)> s_parameters = new()
    {
        [DhChapGroup.Ffdhe2048] = (2048, 560316, 256),
        [DhChapGroup.Ffdhe3072] = (3072, 2625351, 288),
        [DhChapGroup.Ffdhe4096] = (4096, 5736041, 352),
        [DhChapGroup.Ffdhe6144] = (6144, 15705020, 384),
        [DhChapGroup.Ffdhe8192] = (8192, 10965728, 448),
    };

    private static readonly ConcurrentDictionary<DhChapGroup, DhGroup> s_groups = new();

    private readonly BigInteger _prime;
    private readonly int _exponentBytes;

    private DhGroup(DhChapGroup id)
    {
        (int bits, int offset, int exponentBits) = s_parameters[id];

        // p = 2^b - 2^(b-64) + (floor(2^(b-130) e) + X) * 2^64 - 1
        _prime = BigInteger.Pow(2, bits) - BigInteger.Pow(2, bits - 64) + ((DigitsOfE(bits - 130) + offset) * BigInteger.Pow(2, 64)) - 1;
        Length = bits / 8;
        _exponentBytes = exponentBits / 8;
    }

    /// <summary>The bytes of its public values and shared secrets.</summary>
    internal int Length { get; }

    /// <summary>For tests: the prime, as bytes.</summary>
    internal byte[] Prime => ToBytes(_prime);

    /// <summary>Whether there is such a group, the null one included.</summary>
    internal static bool IsKnown(DhChapGroup id) => id == DhChapGroup.Null || s_parameters.ContainsKey(id);

    /// <summary>The group of that number; null for none.</summary>
    internal static DhGroup? Of(DhChapGroup id) => id == DhChapGroup.Null ? null : s_groups.GetOrAdd(id, static id => new(id));

    /// <summary>A new secret exponent, and what is told of it.</summary>
    internal (BigInteger Exponent, byte[] PublicValue) MakeKey()
    {
        BigInteger exponent = new(RandomNumberGenerator.GetBytes(_exponentBytes), isUnsigned: true);
        return (exponent, ToBytes(BigInteger.ModPow(2, exponent, _prime)));
    }

    /// <summary>What both sides then share; null when the other's value is none of the group, or gives the secret away.</summary>
    internal byte[]? Share(BigInteger exponent, ReadOnlySpan<byte> otherValue)
    {
        BigInteger value = new(otherValue, isUnsigned: true, isBigEndian: true);
        return otherValue.Length == Length && value > 1 && value < _prime - 1 ? ToBytes(BigInteger.ModPow(value, exponent, _prime)) : null;
    }

    private byte[] ToBytes(BigInteger value)
    {
        byte[] bytes = new byte[Length];
        byte[] significant = value.ToByteArray(isUnsigned: true, isBigEndian: true);
        significant.CopyTo(bytes, Length - significant.Length);
        return bytes;
    }

    // floor(2^bits * e), by the series of 1/k! with 64 bits to spare.
    private static BigInteger DigitsOfE(int bits)
    {
        BigInteger sum = 0;
        BigInteger term = BigInteger.Pow(2, bits + 64);
        for (int k = 1; term > 0; k++)
        {
            sum += term;
            term /= k;
        }

        return sum >> 64;
    }
}
