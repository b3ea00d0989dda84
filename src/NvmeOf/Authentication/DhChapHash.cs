using System.Security.Cryptography;

namespace EveStorage.NvmeOf;

/// <summary>HASHID: the hash of a DH-HMAC-CHAP exchange. NVMe base specification 2.0, "DH-HMAC-CHAP hash functions".</summary>
public enum DhChapHash : byte
{
    /// <summary>SHA-256.</summary>
    Sha256 = 1,

    /// <summary>SHA-384.</summary>
    Sha384 = 2,

    /// <summary>SHA-512.</summary>
    Sha512 = 3,
}

/// <summary>What is computed with a hash in an exchange.</summary>
internal static class DhChapHashes
{
    /// <summary>Whether there is such a hash.</summary>
    internal static bool IsKnown(this DhChapHash hash) => hash is DhChapHash.Sha256 or DhChapHash.Sha384 or DhChapHash.Sha512;

    /// <summary>HL: its bytes.</summary>
    internal static int Length(this DhChapHash hash) => hash switch
    {
        DhChapHash.Sha256 => SHA256.HashSizeInBytes,
        DhChapHash.Sha384 => SHA384.HashSizeInBytes,
        _ => SHA512.HashSizeInBytes,
    };

    /// <summary>The hash of <paramref name="data"/>.</summary>
    internal static byte[] Of(this DhChapHash hash, ReadOnlySpan<byte> data) => CryptographicOperations.HashData(hash.Name(), data);

    /// <summary>The HMAC of <paramref name="data"/>.</summary>
    internal static byte[] Hmac(this DhChapHash hash, ReadOnlySpan<byte> key, ReadOnlySpan<byte> data) => CryptographicOperations.HmacData(hash.Name(), key, data);

    private static HashAlgorithmName Name(this DhChapHash hash) => hash switch
    {
        DhChapHash.Sha256 => HashAlgorithmName.SHA256,
        DhChapHash.Sha384 => HashAlgorithmName.SHA384,
        _ => HashAlgorithmName.SHA512,
    };
}
