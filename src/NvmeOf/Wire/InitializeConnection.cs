using System.Buffers.Binary;

namespace EveStorage.NvmeOf;

/// <summary>What both sides say first: ICReq and ICResp, of one layout. NVMe/TCP 1.0c, "Initialize Connection Request PDU" and "Response PDU".</summary>
/// <param name="FormatVersion">PFV: 0 is the only one.</param>
/// <param name="DataAlignment">HPDA or CPDA: data that the sender of this receives starts at a multiple of (n + 1) * 4 bytes.</param>
/// <param name="Digests">DGST: asked for, or agreed to.</param>
/// <param name="Limit">ICReq: MAXR2T, from 0. ICResp: MAXH2CDATA, the most bytes of data in one H2CData.</param>
public readonly record struct InitializeConnection(ushort FormatVersion, byte DataAlignment, PduDigests Digests, uint Limit)
{
    /// <summary>The most that <see cref="DataAlignment"/> may be.</summary>
    public const byte MaxDataAlignment = 31;

    /// <summary>The least that MAXH2CDATA may be.</summary>
    public const uint MinHostData = 4096;

    /// <summary>Reads it from a whole PDU.</summary>
    public static InitializeConnection Read(ReadOnlySpan<byte> pdu)
        => new(BinaryPrimitives.ReadUInt16LittleEndian(pdu[8..]), pdu[10], (PduDigests)pdu[11], BinaryPrimitives.ReadUInt32LittleEndian(pdu[12..]));

    /// <summary>Writes a whole PDU of <paramref name="type"/>.</summary>
    public void Write(Span<byte> pdu, PduType type)
    {
        pdu[..PduHeader.InitializeSize].Clear();
        new PduHeader(type, PduBits.None, PduHeader.InitializeSize, 0, PduHeader.InitializeSize).Write(pdu);
        BinaryPrimitives.WriteUInt16LittleEndian(pdu[8..], FormatVersion);
        pdu[10] = DataAlignment;
        pdu[11] = (byte)Digests;
        BinaryPrimitives.WriteUInt32LittleEndian(pdu[12..], Limit);
    }
}
