using System.Buffers.Binary;

namespace EveStorage.NvmeOf;

/// <summary>FES: why a connection is terminated. NVMe/TCP 1.0c, "Fatal Error Status".</summary>
public enum TerminationReason : ushort
{
    /// <summary>A field of a header is invalid; the information is where it lies.</summary>
    InvalidHeaderField = 0x01,

    /// <summary>A PDU was not expected here.</summary>
    SequenceError = 0x02,

    /// <summary>The header digest is wrong; the information is the digest received.</summary>
    HeaderDigestError = 0x03,

    /// <summary>Data lies outside of what was asked for.</summary>
    DataOutOfRange = 0x04,

    /// <summary>More data than the limit; from the host: more R2T.</summary>
    LimitExceeded = 0x05,

    /// <summary>A parameter is not supported; the information is where it lies.</summary>
    UnsupportedParameter = 0x06,
}

/// <summary>C2HTermReq and H2CTermReq: the last PDU of a connection. NVMe/TCP 1.0c, "Terminate Connection Request PDU". It has no digests.</summary>
/// <param name="Reason">FES.</param>
/// <param name="Information">FEI.</param>
public readonly record struct Termination(TerminationReason Reason, uint Information)
{
    /// <summary>The most bytes of it.</summary>
    public const int MaxSize = PduHeader.TransferSize + MaxEcho;

    // The header at fault is repeated, up to here.
    private const int MaxEcho = 128;

    /// <summary>Reads it from a PDU.</summary>
    public static Termination Read(ReadOnlySpan<byte> pdu)
        => new((TerminationReason)BinaryPrimitives.ReadUInt16LittleEndian(pdu[8..]), BinaryPrimitives.ReadUInt32LittleEndian(pdu[10..]));

    /// <summary>Writes the PDU and returns its length.</summary>
    /// <param name="pdu">Where to, <see cref="MaxSize"/> bytes.</param>
    /// <param name="type">Whose it is.</param>
    /// <param name="fault">The header at fault.</param>
    public int Write(Span<byte> pdu, PduType type, ReadOnlySpan<byte> fault)
    {
        fault = fault[..Math.Min(fault.Length, MaxEcho)];
        int length = PduHeader.TransferSize + fault.Length;
        pdu[..PduHeader.TransferSize].Clear();
        new PduHeader(type, PduBits.None, PduHeader.TransferSize, 0, (uint)length).Write(pdu);
        BinaryPrimitives.WriteUInt16LittleEndian(pdu[8..], (ushort)Reason);
        BinaryPrimitives.WriteUInt32LittleEndian(pdu[10..], Information);
        fault.CopyTo(pdu[PduHeader.TransferSize..]);
        return length;
    }
}
