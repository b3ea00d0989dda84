using System.Buffers.Binary;

namespace EveStorage.NvmeOf;

/// <summary>The Identify Namespace structure, as far as we have something to say. NVM command set specification 1.0, "Identify Namespace Data Structure".</summary>
public sealed record NamespaceIdentity
{
    /// <summary>The bytes of a block: LBADS 9.</summary>
    public const int BlockSize = 512;

    private const byte BlockShift = 9;
    private const ushort Granule = 7;   // 8 blocks of 512, counted from 0: what a file system and a reflink work in

    /// <summary>NSZE: its blocks; 0 for a namespace that is not there.</summary>
    public required ulong Blocks { get; init; }

    /// <summary>NGUID.</summary>
    public required Guid Id { get; init; }

    /// <summary>NSATTR: whether it is write protected now.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>The bytes of a block, of the format in use.</summary>
    public int BlockLength { get; init; } = BlockSize;

    /// <summary>Its size.</summary>
    public ByteSize Size => new(checked((long)Blocks * BlockLength));

    /// <summary>Reads it.</summary>
    /// <exception cref="StorageException">It has more bytes than anything can have.</exception>
    public static NamespaceIdentity Read(ReadOnlySpan<byte> data)
    {
        int format = data[26] & 0xF;
        byte shift = data[128 + (4 * format) + 2];
        if (BinaryPrimitives.ReadUInt64LittleEndian(data) > (ulong)long.MaxValue >> 16)   // the largest block that we know is 2^16
        {
            throw new StorageException(StorageErrorKind.Corrupt, "namespace", $"has {BinaryPrimitives.ReadUInt64LittleEndian(data)} blocks, which can't be");
        }

        return new()
        {
            Blocks = BinaryPrimitives.ReadUInt64LittleEndian(data),
            ReadOnly = (data[99] & 1) != 0,
            Id = new(data[104..120], bigEndian: true),
            BlockLength = shift is >= 9 and <= 16 ? 1 << shift : BlockSize,
        };
    }

    /// <summary>Writes it.</summary>
    public void Write(Span<byte> data)
    {
        data[..ControllerIdentity.Size].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(data, Blocks);   // NSZE
        BinaryPrimitives.WriteUInt64LittleEndian(data[8..], Blocks);   // NCAP
        BinaryPrimitives.WriteUInt64LittleEndian(data[16..], Blocks);   // NUSE
        data[24] = 1 << 4;   // NSFEAT: the granules below are there
        data[30] = 1;   // NMIC: it may be seen through several controllers
        BinaryPrimitives.WriteUInt16LittleEndian(data[64..], Granule);   // NPWG
        BinaryPrimitives.WriteUInt16LittleEndian(data[66..], Granule);   // NPWA
        BinaryPrimitives.WriteUInt16LittleEndian(data[68..], Granule);   // NPDG
        BinaryPrimitives.WriteUInt16LittleEndian(data[70..], Granule);   // NPDA
        data[99] = ReadOnly ? (byte)1 : (byte)0;
        Id.TryWriteBytes(data[104..], bigEndian: true, out _);
        data[130] = BlockShift;   // LBAF0
    }

    /// <summary>Writes the list of what it is known by: NGUID, UUID and command set. NVMe base specification 2.0, "Namespace Identification Descriptor".</summary>
    public static void WriteIdentification(Span<byte> data, Guid id)
    {
        data[..ControllerIdentity.Size].Clear();
        (data[0], data[1]) = (2, 16);   // NGUID
        id.TryWriteBytes(data[4..], bigEndian: true, out _);
        (data[20], data[21]) = (3, 16);   // UUID
        id.TryWriteBytes(data[24..], bigEndian: true, out _);
        (data[40], data[41]) = (4, 1);   // command set identifier: NVM, 0
    }

    /// <summary>The UUID in such a list; null when it has none.</summary>
    public static Guid? ReadUuid(ReadOnlySpan<byte> data)
    {
        while (data.Length >= 4 && data[1] != 0 && data.Length >= 4 + data[1])
        {
            if (data[0] == 3 && data[1] == 16)
            {
                return new Guid(data[4..20], bigEndian: true);
            }

            data = data[(4 + data[1])..];
        }

        return null;
    }
}
