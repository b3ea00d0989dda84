using System.Buffers.Binary;

namespace EveStorage.NvmeOf;

/// <summary>A command to send: what of a submission entry the caller decides.</summary>
public readonly record struct NvmeCommand
{
    // PSDT 01b: SGL1 holds an SGL, as NVMe-oF demands.
    private const byte UsesSgl = 1 << 6;

    /// <summary>SPSP0, SPSP1 and SECP of an Authentication Send or Receive: the NVMe authentication protocols.</summary>
    public const uint AuthenticationProtocol = 0xE9010100;

    /// <summary>OPC.</summary>
    public required byte Opcode { get; init; }

    /// <summary>NSID; of a fabrics command FCTYPE.</summary>
    public uint NamespaceId { get; init; }

    /// <summary>CDW10.</summary>
    public uint Dword10 { get; init; }

    /// <summary>CDW11.</summary>
    public uint Dword11 { get; init; }

    /// <summary>CDW12.</summary>
    public uint Dword12 { get; init; }

    /// <summary>CDW13.</summary>
    public uint Dword13 { get; init; }

    /// <summary>CDW14.</summary>
    public uint Dword14 { get; init; }

    /// <summary>CDW15.</summary>
    public uint Dword15 { get; init; }

    /// <summary>A read, a write or a Write Zeroes of whole blocks.</summary>
    public static NvmeCommand Blocks(IoOpcode opcode, uint namespaceId, ulong firstBlock, int count, bool forceUnitAccess = false)
        => new()
        {
            Opcode = (byte)opcode,
            NamespaceId = namespaceId,
            Dword10 = (uint)firstBlock,
            Dword11 = (uint)(firstBlock >> 32),
            Dword12 = (uint)(count - 1) | (forceUnitAccess ? 1u << 30 : 0),
        };

    /// <summary>An Identify.</summary>
    public static NvmeCommand Identify(IdentifyStructure structure, uint namespaceId)
        => new() { Opcode = (byte)AdminOpcode.Identify, NamespaceId = namespaceId, Dword10 = (uint)structure };

    /// <summary>A Get Log Page of <paramref name="length"/> bytes, a multiple of 4.</summary>
    public static NvmeCommand LogPage(LogPage page, int length, ulong offset, uint namespaceId = 0)
    {
        uint dwords = (uint)(length / 4) - 1;
        return new()
        {
            Opcode = (byte)AdminOpcode.GetLogPage,
            NamespaceId = namespaceId,
            Dword10 = (uint)page | (dwords << 16),
            Dword11 = dwords >> 16,
            Dword12 = (uint)offset,
            Dword13 = (uint)(offset >> 32),
        };
    }

    /// <summary>An Authentication Send or Receive of <paramref name="length"/> bytes. NVMe base specification 2.0, "Authentication Send command".</summary>
    public static NvmeCommand Authentication(FabricsType type, int length)
        => new() { Opcode = (byte)AdminOpcode.Fabrics, NamespaceId = (uint)type, Dword10 = AuthenticationProtocol, Dword11 = (uint)length };

    /// <summary>Writes the submission entry.</summary>
    public void Write(Span<byte> entry, ushort commandId, Sgl sgl)
    {
        entry[..SubmissionEntry.Size].Clear();
        entry[0] = Opcode;
        entry[1] = UsesSgl;
        BinaryPrimitives.WriteUInt16LittleEndian(entry[2..], commandId);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], NamespaceId);
        sgl.Write(entry);
        ReadOnlySpan<uint> dwords = [Dword10, Dword11, Dword12, Dword13, Dword14, Dword15];
        for (int i = 0; i < dwords.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(entry[(40 + (4 * i))..], dwords[i]);
        }
    }
}
