using System.Buffers.Binary;

namespace EveStorage.NvmeOf;

/// <summary>AUTH_TYPE and AUTH_ID: which message of an exchange it is. NVMe base specification 2.0, "Authentication message types".</summary>
internal enum DhChapMessageType : ushort
{
    /// <summary>AUTH_Negotiate.</summary>
    Negotiate = 0x0000,

    /// <summary>AUTH_Failure2, from the host.</summary>
    HostFailure = 0xF000,

    /// <summary>AUTH_Failure1, from the controller.</summary>
    ControllerFailure = 0xF100,

    /// <summary>DH-HMAC-CHAP_Challenge.</summary>
    Challenge = 0x0101,

    /// <summary>DH-HMAC-CHAP_Reply.</summary>
    Reply = 0x0201,

    /// <summary>DH-HMAC-CHAP_Success1, from the controller.</summary>
    ControllerSuccess = 0x0301,

    /// <summary>DH-HMAC-CHAP_Success2, from the host.</summary>
    HostSuccess = 0x0401,
}

/// <summary>Why an exchange failed: the reason code explanation of the failure messages.</summary>
internal enum DhChapFailure : byte
{
    /// <summary>The secret is another.</summary>
    Failed = 1,

    /// <summary>No protocol that both know.</summary>
    ProtocolNotUsable = 2,

    /// <summary>Secure channel concatenation is not offered.</summary>
    ConcatenationMismatch = 3,

    /// <summary>No hash that both take.</summary>
    HashNotUsable = 4,

    /// <summary>No group that both take.</summary>
    GroupNotUsable = 5,

    /// <summary>The message is damaged.</summary>
    IncorrectPayload = 6,

    /// <summary>Another message was due.</summary>
    IncorrectMessage = 7,
}

/// <summary>What every message begins with, and those that are little more.</summary>
internal static class DhChapMessage
{
    /// <summary>The most bytes of one: a Reply with SHA-512 and ffdhe8192 has 1168, and a host may send some more.</summary>
    internal const int MaxSize = 4096;

    /// <summary>The bytes that each message has at least.</summary>
    internal const int MinSize = 8;

    /// <summary>The type of a message.</summary>
    internal static DhChapMessageType TypeOf(ReadOnlySpan<byte> message) => (DhChapMessageType)BinaryPrimitives.ReadUInt16LittleEndian(message);

    /// <summary>T_ID of a message.</summary>
    internal static ushort TransactionOf(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt16LittleEndian(message[4..]);

    /// <summary>Begins a message.</summary>
    internal static byte[] New(DhChapMessageType type, ushort transaction, int size)
    {
        byte[] message = new byte[size];
        BinaryPrimitives.WriteUInt16LittleEndian(message, (ushort)type);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(4), transaction);
        return message;
    }

    /// <summary>A failure, from either side.</summary>
    internal static byte[] NewFailure(DhChapMessageType type, ushort transaction, DhChapFailure why)
    {
        byte[] message = New(type, transaction, MinSize);
        message[6] = 1;   // reason code: authentication failure, which is the only one
        message[7] = (byte)why;
        return message;
    }

    /// <summary>The host's success.</summary>
    internal static byte[] NewHostSuccess(ushort transaction) => New(DhChapMessageType.HostSuccess, transaction, 16);
}

/// <summary>AUTH_Negotiate: what the host can.</summary>
internal sealed record DhChapNegotiate(ushort Transaction, byte SecureChannel, IReadOnlyList<DhChapHash> Hashes, IReadOnlyList<DhChapGroup> Groups)
{
    private const int DescriptorSize = 64;
    private const int MostIds = 30;   // of hashes, then of groups
    private const byte DhChap = 1;   // AUTHID

    internal byte[] Write()
    {
        byte[] message = DhChapMessage.New(DhChapMessageType.Negotiate, Transaction, DhChapMessage.MinSize + DescriptorSize);
        message[6] = SecureChannel;
        message[7] = 1;   // NAPD
        Span<byte> descriptor = message.AsSpan(DhChapMessage.MinSize);
        (descriptor[0], descriptor[2], descriptor[3]) = (DhChap, (byte)Hashes.Count, (byte)Groups.Count);
        for (int i = 0; i < Hashes.Count; i++)
        {
            descriptor[4 + i] = (byte)Hashes[i];
        }

        for (int i = 0; i < Groups.Count; i++)
        {
            descriptor[4 + MostIds + i] = (byte)Groups[i];
        }

        return message;
    }

    /// <summary>Reads one; null when it can't be. Without a descriptor of ours it offers nothing.</summary>
    internal static DhChapNegotiate? Read(ReadOnlySpan<byte> message)
    {
        if (message.Length < DhChapMessage.MinSize || message.Length < DhChapMessage.MinSize + (message[7] * DescriptorSize))
        {
            return null;
        }

        for (int i = 0; i < message[7]; i++)
        {
            ReadOnlySpan<byte> descriptor = message.Slice(DhChapMessage.MinSize + (i * DescriptorSize), DescriptorSize);
            if (descriptor[0] == DhChap)
            {
                (int hashes, int groups) = (descriptor[2], descriptor[3]);
                return hashes > MostIds || groups > MostIds
                    ? null
                    : new(
                        DhChapMessage.TransactionOf(message),
                        message[6],
                        [.. descriptor.Slice(4, hashes).ToArray().Select(h => (DhChapHash)h)],
                        [.. descriptor.Slice(4 + MostIds, groups).ToArray().Select(g => (DhChapGroup)g)]);
            }
        }

        return new(DhChapMessage.TransactionOf(message), message[6], [], []);
    }
}

/// <summary>DH-HMAC-CHAP_Challenge.</summary>
internal sealed record DhChapChallenge(ushort Transaction, DhChapHash Hash, DhChapGroup Group, uint Sequence, byte[] Value, byte[] PublicValue)
{
    private const int HeaderSize = 16;

    internal byte[] Write()
    {
        byte[] message = DhChapMessage.New(DhChapMessageType.Challenge, Transaction, HeaderSize + Value.Length + PublicValue.Length);
        message[6] = (byte)Value.Length;   // HL
        message[8] = (byte)Hash;
        message[9] = (byte)Group;
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(10), (ushort)PublicValue.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(12), Sequence);
        Value.CopyTo(message, HeaderSize);
        PublicValue.CopyTo(message, HeaderSize + Value.Length);
        return message;
    }

    /// <summary>Reads one; null when it can't be.</summary>
    internal static DhChapChallenge? Read(ReadOnlySpan<byte> message)
    {
        if (message.Length < HeaderSize)
        {
            return null;
        }

        (DhChapHash hash, DhChapGroup group) = ((DhChapHash)message[8], (DhChapGroup)message[9]);
        int length = message[6];
        int publicLength = BinaryPrimitives.ReadUInt16LittleEndian(message[10..]);
        return hash.IsKnown() && DhGroup.IsKnown(group) && length == hash.Length() && publicLength == (DhGroup.Of(group)?.Length ?? 0) && message.Length >= HeaderSize + length + publicLength
            ? new(
                DhChapMessage.TransactionOf(message),
                hash,
                group,
                BinaryPrimitives.ReadUInt32LittleEndian(message[12..]),
                message.Slice(HeaderSize, length).ToArray(),
                message.Slice(HeaderSize + length, publicLength).ToArray())
            : null;
    }
}

/// <summary>DH-HMAC-CHAP_Reply; with a challenge when the controller has to prove its secret too.</summary>
internal sealed record DhChapReply(ushort Transaction, byte[] Response, byte[]? Challenge, uint Sequence, byte[] PublicValue)
{
    private const int HeaderSize = 16;

    internal byte[] Write()
    {
        byte[] message = DhChapMessage.New(DhChapMessageType.Reply, Transaction, HeaderSize + (2 * Response.Length) + PublicValue.Length);
        message[6] = (byte)Response.Length;   // HL
        message[8] = Challenge is null ? (byte)0 : (byte)1;   // CVALID
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(10), (ushort)PublicValue.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(12), Sequence);
        Response.CopyTo(message, HeaderSize);
        Challenge?.CopyTo(message, HeaderSize + Response.Length);
        PublicValue.CopyTo(message, HeaderSize + (2 * Response.Length));
        return message;
    }

    /// <summary>Reads one for the hash and the group agreed to; null when it can't be.</summary>
    internal static DhChapReply? Read(ReadOnlySpan<byte> message, DhChapHash hash, DhGroup? group)
    {
        int length = hash.Length();
        int publicLength = group?.Length ?? 0;
        return message.Length >= HeaderSize + (2 * length) + publicLength
            && message[6] == length && message[8] <= 1 && BinaryPrimitives.ReadUInt16LittleEndian(message[10..]) == publicLength
            ? new(
                DhChapMessage.TransactionOf(message),
                message.Slice(HeaderSize, length).ToArray(),
                message[8] == 1 ? message.Slice(HeaderSize + length, length).ToArray() : null,
                BinaryPrimitives.ReadUInt32LittleEndian(message[12..]),
                message.Slice(HeaderSize + (2 * length), publicLength).ToArray())
            : null;
    }
}

/// <summary>DH-HMAC-CHAP_Success1; with a response when the host asked for one.</summary>
internal sealed record DhChapSuccess(ushort Transaction, byte[]? Response)
{
    private const int HeaderSize = 16;

    internal byte[] Write(DhChapHash hash)
    {
        byte[] message = DhChapMessage.New(DhChapMessageType.ControllerSuccess, Transaction, HeaderSize + hash.Length());
        message[6] = (byte)hash.Length();   // HL
        message[8] = Response is null ? (byte)0 : (byte)1;   // RVALID
        Response?.CopyTo(message, HeaderSize);
        return message;
    }

    /// <summary>Reads one for the hash agreed to; null when it can't be.</summary>
    internal static DhChapSuccess? Read(ReadOnlySpan<byte> message, DhChapHash hash)
        => message.Length >= HeaderSize + hash.Length() && message[6] == hash.Length() && message[8] <= 1
            ? new(DhChapMessage.TransactionOf(message), message[8] == 1 ? message.Slice(HeaderSize, hash.Length()).ToArray() : null)
            : null;
}
