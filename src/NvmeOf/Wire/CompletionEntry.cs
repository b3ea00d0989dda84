using System.Buffers.Binary;

namespace EveStorage.NvmeOf;

/// <summary>The end of a command. NVMe base specification 2.0, "Common Completion Queue Entry Layout".</summary>
/// <param name="Result">DW0 and DW1: what the command returns.</param>
/// <param name="QueueHead">SQHD; 0xFFFF where flow control is off.</param>
/// <param name="CommandId">CID.</param>
/// <param name="Status">SF.</param>
public readonly record struct CompletionEntry(ulong Result, ushort QueueHead, ushort CommandId, NvmeStatus Status)
{
    /// <summary>Its bytes.</summary>
    public const int Size = 16;

    /// <summary>Reads it.</summary>
    public static CompletionEntry Read(ReadOnlySpan<byte> entry)
        => new(
            BinaryPrimitives.ReadUInt64LittleEndian(entry),
            BinaryPrimitives.ReadUInt16LittleEndian(entry[8..]),
            BinaryPrimitives.ReadUInt16LittleEndian(entry[12..]),
            new((ushort)(BinaryPrimitives.ReadUInt16LittleEndian(entry[14..]) >> 1)));

    /// <summary>Writes it. SQID and the phase tag are of memory queues, and 0 on fabrics.</summary>
    public void Write(Span<byte> entry)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(entry, Result);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[8..], QueueHead);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[10..], 0);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[12..], CommandId);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[14..], (ushort)(Status.Code << 1));
    }
}
