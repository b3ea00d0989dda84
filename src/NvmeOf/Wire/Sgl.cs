using System.Buffers.Binary;

namespace EveStorage.NvmeOf;

/// <summary>Where the data of a command is: SGL1 of its submission entry. NVMe base specification 2.0, "Scatter Gather List".</summary>
/// <param name="Address">The offset in the capsule; 0 otherwise.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="Identifier">Type and subtype.</param>
public readonly record struct Sgl(ulong Address, uint Length, byte Identifier)
{
    /// <summary>Data block, offset: in the capsule, behind the submission entry.</summary>
    public const byte InCapsule = 0x01;

    /// <summary>Transport data block, transport specific A: by data PDUs.</summary>
    public const byte ByTransport = 0x5A;

    /// <summary>Where it lies in a submission entry.</summary>
    public const int At = 24;

    /// <summary>Reads it from a submission entry.</summary>
    public static Sgl Read(ReadOnlySpan<byte> entry)
        => new(BinaryPrimitives.ReadUInt64LittleEndian(entry[At..]), BinaryPrimitives.ReadUInt32LittleEndian(entry[(At + 8)..]), entry[At + 15]);

    /// <summary>Writes it to a submission entry.</summary>
    public void Write(Span<byte> entry)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(entry[At..], Address);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[(At + 8)..], Length);
        entry[(At + 12)..(At + 15)].Clear();
        entry[At + 15] = Identifier;
    }
}
