using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace EveStorage.NvmeOf;

/// <summary>How a secret is bound to the name of who has it, before it is used. NVMe base specification 2.0, "DH-HMAC-CHAP Security Requirements".</summary>
public enum DhChapTransform : byte
{
    /// <summary>Not at all.</summary>
    None = 0,

    /// <summary>By HMAC-SHA-256.</summary>
    Sha256 = 1,

    /// <summary>By HMAC-SHA-384.</summary>
    Sha384 = 2,

    /// <summary>By HMAC-SHA-512.</summary>
    Sha512 = 3,
}

/// <summary>
/// A secret of DH-HMAC-CHAP: 32, 48 or 64 bytes. People and kernels pass it as <c>DHHC-1:00:...:</c>, NVMe base specification
/// 2.0, "Secret representation". It never prints, and disposing overwrites it.
/// </summary>
public sealed class DhChapSecret : IDisposable
{
    private const int CrcSize = 4;
    private const int MaxKey = 64;

    private static readonly byte[] s_purpose = Encoding.ASCII.GetBytes("NVMe-over-Fabrics");

    private readonly KeyMaterial _key;

    private DhChapSecret(ReadOnlySpan<byte> key, DhChapTransform transform)
    {
        _key = new(key.Length);
        key.CopyTo(_key.Bytes);
        Transform = transform;
    }

    /// <summary>How it is bound to a name.</summary>
    public DhChapTransform Transform { get; }

    /// <summary>Whether a secret may have so many bytes.</summary>
    public static bool IsLength(int length) => length is 32 or 48 or MaxKey;

    /// <summary>Takes what a source of keys holds: the bytes, or the representation as <c>nvme gen-dhchap-key</c> makes it.</summary>
    /// <exception cref="StorageException">It is neither.</exception>
    public static DhChapSecret Of(ReadOnlySpan<byte> key, string subject) => key.StartsWith("DHHC-1:"u8) ? Parse(key, subject) : OfKey(key, subject);

    /// <summary>Takes the bytes of a key as a secret that is not bound to a name.</summary>
    /// <exception cref="StorageException">It has not 32, 48 or 64 bytes.</exception>
    public static DhChapSecret OfKey(ReadOnlySpan<byte> key, string subject)
        => IsLength(key.Length)
            ? new(key, DhChapTransform.None)
            : throw new StorageException(
                StorageErrorKind.InvalidConfiguration, subject, $"has {key.Length} bytes, and a secret of DH-HMAC-CHAP has 32, 48 or 64, or is the text that nvme gen-dhchap-key makes; make another");

    /// <summary>Reads the representation, such as a line of a file holds it.</summary>
    /// <exception cref="StorageException">It is none, or was mistyped.</exception>
    public static DhChapSecret Parse(ReadOnlySpan<byte> text, string subject)
    {
        Span<byte> whole = stackalloc byte[MaxKey + CrcSize];
        try
        {
            return TryRead(text, whole, out DhChapTransform transform, out int length)
                ? new(whole[..length], transform)
                : throw new StorageException(
                    StorageErrorKind.InvalidConfiguration, subject, "is no secret of DH-HMAC-CHAP, which reads DHHC-1:00:...: ; take one of nvme gen-dhchap-key");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(whole);
        }
    }

    /// <summary>The representation in ASCII, for a file or the kernel.</summary>
    public KeyMaterial ToText()
    {
        Span<byte> whole = stackalloc byte[MaxKey + CrcSize];
        int length = _key.Bytes.Length;
        _key.Bytes.CopyTo(whole);
        BinaryPrimitives.WriteUInt32LittleEndian(whole[length..], Crc32(whole[..length]));
        KeyMaterial text = new("DHHC-1:00:".Length + Base64.GetMaxEncodedToUtf8Length(length + CrcSize) + 1);
        Encoding.ASCII.GetBytes($"DHHC-1:{(byte)Transform:x2}:", text.Bytes);
        Base64.EncodeToUtf8(whole[..(length + CrcSize)], text.Bytes["DHHC-1:00:".Length..], out _, out _);
        text.Bytes[^1] = (byte)':';
        CryptographicOperations.ZeroMemory(whole);
        return text;
    }

    /// <summary>The key that is used for <paramref name="name"/>: a host's NQN for the host's secret, the subsystem's for the controller's.</summary>
    public KeyMaterial KeyFor(string name)
    {
        byte[] bound = [.. Encoding.UTF8.GetBytes(name), .. s_purpose];
        KeyMaterial key = new(Transform switch
        {
            DhChapTransform.Sha256 => HMACSHA256.HashSizeInBytes,
            DhChapTransform.Sha384 => HMACSHA384.HashSizeInBytes,
            DhChapTransform.Sha512 => HMACSHA512.HashSizeInBytes,
            _ => _key.Bytes.Length,
        });
        switch (Transform)
        {
            case DhChapTransform.Sha256:
                HMACSHA256.HashData(_key.Bytes, bound, key.Bytes);
                break;
            case DhChapTransform.Sha384:
                HMACSHA384.HashData(_key.Bytes, bound, key.Bytes);
                break;
            case DhChapTransform.Sha512:
                HMACSHA512.HashData(_key.Bytes, bound, key.Bytes);
                break;
            default:
                _key.Bytes.CopyTo(key.Bytes);
                break;
        }

        return key;
    }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    /// <summary>What may be said of it.</summary>
    public override string ToString() => $"a secret of DH-HMAC-CHAP ({Transform})";

    private static bool TryRead(ReadOnlySpan<byte> text, Span<byte> whole, out DhChapTransform transform, out int length)
    {
        (transform, length) = (0, 0);
        text = text.TrimEnd("\r\n"u8);
        if (text.Length < 12 || !text.StartsWith("DHHC-1:0"u8) || text[8] is < (byte)'0' or > (byte)'3' || text[9] != ':' || text[^1] != ':')
        {
            return false;
        }

        transform = (DhChapTransform)(text[8] - '0');
        if (Base64.DecodeFromUtf8(text[10..^1], whole, out int read, out int written) != OperationStatus.Done || read != text.Length - 11)
        {
            return false;
        }

        length = written - CrcSize;
        return IsLength(length) && BinaryPrimitives.ReadUInt32LittleEndian(whole[length..]) == Crc32(whole[..length]);
    }

    // The CRC-32 of IEEE 802.3, which guards against typing errors; so few bytes need no table.
    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1)));
            }
        }

        return ~crc;
    }
}
