using System.Buffers.Binary;

namespace EveStorage.NvmeOf;

/// <summary>The common header (CH) of every PDU. NVMe/TCP 1.0c, "PDU Header". It judges nothing.</summary>
/// <param name="Type">PDU-Type.</param>
/// <param name="Bits">FLAGS.</param>
/// <param name="HeaderLength">HLEN: the header's bytes, without its digest.</param>
/// <param name="DataOffset">PDO: where data starts, counted from the PDU's start.</param>
/// <param name="Length">PLEN: all of the PDU's bytes, digests included.</param>
public readonly record struct PduHeader(PduType Type, PduBits Bits, byte HeaderLength, byte DataOffset, uint Length)
{
    /// <summary>Its bytes.</summary>
    public const int Size = 8;

    /// <summary>The bytes of a digest.</summary>
    public const int DigestSize = 4;

    /// <summary>HLEN of ICReq and ICResp.</summary>
    public const int InitializeSize = 128;

    /// <summary>HLEN of CapsuleCmd.</summary>
    public const int CommandSize = Size + SubmissionEntry.Size;

    /// <summary>HLEN of CapsuleResp.</summary>
    public const int ResponseSize = Size + CompletionEntry.Size;

    /// <summary>HLEN of H2CData, C2HData, R2T and the termination requests.</summary>
    public const int TransferSize = 24;

    /// <summary>The HLEN that PDUs of <paramref name="type"/> have; 0 for a type there is not.</summary>
    public static int SizeOf(PduType type) => type switch
    {
        PduType.InitializeRequest or PduType.InitializeResponse => InitializeSize,
        PduType.Command => CommandSize,
        PduType.Response => ResponseSize,
        PduType.HostTermination or PduType.ControllerTermination => TransferSize,
        PduType.HostData or PduType.ControllerData or PduType.ReadyToTransfer => TransferSize,
        _ => 0,
    };

    /// <summary>Reads it from the first <see cref="Size"/> bytes of <paramref name="pdu"/>.</summary>
    public static PduHeader Read(ReadOnlySpan<byte> pdu)
        => new((PduType)pdu[0], (PduBits)pdu[1], pdu[2], pdu[3], BinaryPrimitives.ReadUInt32LittleEndian(pdu[4..]));

    /// <summary>Writes it to the first <see cref="Size"/> bytes of <paramref name="pdu"/>.</summary>
    public void Write(Span<byte> pdu)
    {
        pdu[0] = (byte)Type;
        pdu[1] = (byte)Bits;
        pdu[2] = HeaderLength;
        pdu[3] = DataOffset;
        BinaryPrimitives.WriteUInt32LittleEndian(pdu[4..], Length);
    }
}
