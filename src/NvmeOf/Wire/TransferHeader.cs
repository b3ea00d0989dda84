using System.Buffers.Binary;

namespace EveStorage.NvmeOf;

/// <summary>What C2HData, H2CData and R2T say after the common header, of one layout. NVMe/TCP 1.0c, "H2CData", "C2HData" and "R2T".</summary>
/// <param name="CommandId">CCCID: the command.</param>
/// <param name="TransferTag">TTAG: what the controller calls the transfer; unused in C2HData.</param>
/// <param name="Offset">DATAO or R2TO: where in the command's data it starts.</param>
/// <param name="Length">DATAL or R2TL: its bytes.</param>
public readonly record struct TransferHeader(ushort CommandId, ushort TransferTag, uint Offset, uint Length)
{
    /// <summary>Where CCCID lies, for an error that names it.</summary>
    public const int CommandIdAt = 8;

    /// <summary>Where TTAG lies.</summary>
    public const int TransferTagAt = 10;

    /// <summary>Where DATAO lies.</summary>
    public const int OffsetAt = 12;

    /// <summary>Where DATAL lies.</summary>
    public const int LengthAt = 16;

    /// <summary>Reads it from a PDU.</summary>
    public static TransferHeader Read(ReadOnlySpan<byte> pdu)
        => new(
            BinaryPrimitives.ReadUInt16LittleEndian(pdu[CommandIdAt..]),
            BinaryPrimitives.ReadUInt16LittleEndian(pdu[TransferTagAt..]),
            BinaryPrimitives.ReadUInt32LittleEndian(pdu[OffsetAt..]),
            BinaryPrimitives.ReadUInt32LittleEndian(pdu[LengthAt..]));

    /// <summary>Writes it to a PDU, behind the common header.</summary>
    public void Write(Span<byte> pdu)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(pdu[CommandIdAt..], CommandId);
        BinaryPrimitives.WriteUInt16LittleEndian(pdu[TransferTagAt..], TransferTag);
        BinaryPrimitives.WriteUInt32LittleEndian(pdu[OffsetAt..], Offset);
        BinaryPrimitives.WriteUInt32LittleEndian(pdu[LengthAt..], Length);
        BinaryPrimitives.WriteUInt32LittleEndian(pdu[20..], 0);
    }
}
