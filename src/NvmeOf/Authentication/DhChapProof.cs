using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace EveStorage.NvmeOf;

/// <summary>What one side of an exchange proves to have its secret with. NVMe base specification 2.0, "DH-HMAC-CHAP_Reply message".</summary>
/// <param name="Hash">The hash agreed to.</param>
/// <param name="Transaction">T_ID.</param>
/// <param name="Host">The host's NQN.</param>
/// <param name="Subsystem">The subsystem's NQN.</param>
internal sealed record DhChapProof(DhChapHash Hash, ushort Transaction, string Host, string Subsystem)
{
    /// <summary>The host's answer to the controller's challenge.</summary>
    internal byte[] OfHost(DhChapSecret secret, ReadOnlySpan<byte> challenge, uint sequence, byte[]? shared)
    {
        using KeyMaterial key = secret.KeyFor(Host);
        return Respond(key.Bytes, challenge, sequence, shared, "HostHost", Host, Subsystem);
    }

    /// <summary>The controller's answer to the host's challenge.</summary>
    internal byte[] OfController(DhChapSecret secret, ReadOnlySpan<byte> challenge, uint sequence, byte[]? shared)
    {
        using KeyMaterial key = secret.KeyFor(Subsystem);
        return Respond(key.Bytes, challenge, sequence, shared, "Controller", Subsystem, Host);
    }

    /// <summary>Whether two answers are the same; how long it takes does not tell where they differ.</summary>
    internal static bool Equal(ReadOnlySpan<byte> one, ReadOnlySpan<byte> other) => CryptographicOperations.FixedTimeEquals(one, other);

    private byte[] Respond(ReadOnlySpan<byte> key, ReadOnlySpan<byte> challenge, uint sequence, byte[]? shared, string role, string first, string second)
    {
        // With a group the challenge is bound to what was agreed by it.
        ReadOnlySpan<byte> bound = shared is null ? challenge : Hash.Hmac(Hash.Of(shared), challenge);
        Span<byte> numbers = stackalloc byte[7];   // the last is SC_C, 0
        BinaryPrimitives.WriteUInt32LittleEndian(numbers, sequence);
        BinaryPrimitives.WriteUInt16LittleEndian(numbers[4..], Transaction);
        numbers[6] = 0;
        return Hash.Hmac(key, [.. bound, .. numbers, .. Encoding.ASCII.GetBytes(role), .. Encoding.UTF8.GetBytes(first), 0, .. Encoding.UTF8.GetBytes(second)]);
    }
}
