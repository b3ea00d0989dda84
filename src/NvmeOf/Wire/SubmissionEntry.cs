using System.Buffers.Binary;

namespace EveStorage.NvmeOf;

/// <summary>A command as it lies in a capsule: names and offsets, no judgement. NVMe base specification 2.0, "Common Command Format".</summary>
public readonly ref struct SubmissionEntry(ReadOnlySpan<byte> bytes)
{
    /// <summary>Its bytes.</summary>
    public const int Size = 64;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>OPC.</summary>
    public byte Opcode => _bytes[0];

    /// <summary>FUSE: 0 for a command of its own.</summary>
    public int Fuse => _bytes[1] & 3;

    /// <summary>PSDT: 1 for an SGL, which fabrics demand.</summary>
    public int DataPointer => _bytes[1] >> 6;

    /// <summary>CID.</summary>
    public ushort CommandId => BinaryPrimitives.ReadUInt16LittleEndian(_bytes[2..]);

    /// <summary>NSID.</summary>
    public uint NamespaceId => BinaryPrimitives.ReadUInt32LittleEndian(_bytes[4..]);

    /// <summary>FCTYPE of a fabrics command.</summary>
    public FabricsType FabricsType => (FabricsType)_bytes[4];

    /// <summary>SGL1.</summary>
    public Sgl Sgl => Sgl.Read(_bytes);

    /// <summary>CDW10 of an admin or I/O command.</summary>
    public uint Dword10 => Dword(10);

    /// <summary>CDW11.</summary>
    public uint Dword11 => Dword(11);

    /// <summary>CDW12.</summary>
    public uint Dword12 => Dword(12);

    /// <summary>CDW13.</summary>
    public uint Dword13 => Dword(13);

    /// <summary>CDW14.</summary>
    public uint Dword14 => Dword(14);

    /// <summary>SLBA of a read or a write.</summary>
    public ulong FirstBlock => BinaryPrimitives.ReadUInt64LittleEndian(_bytes[40..]);

    /// <summary>The blocks of a read or a write: NLB counts from 0.</summary>
    public int BlockCount => (int)(Dword12 & 0xFFFF) + 1;

    /// <summary>FUA of a read or a write.</summary>
    public bool ForceUnitAccess => (Dword12 & (1u << 30)) != 0;

    /// <summary>The value of a Property Set.</summary>
    public ulong PropertyValue => BinaryPrimitives.ReadUInt64LittleEndian(_bytes[48..]);

    private uint Dword(int number) => BinaryPrimitives.ReadUInt32LittleEndian(_bytes[(number * 4)..]);
}
