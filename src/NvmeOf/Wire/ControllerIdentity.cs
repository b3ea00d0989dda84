using System.Buffers.Binary;
using System.Text;

namespace EveStorage.NvmeOf;

/// <summary>The Identify Controller structure, as far as a target over fabrics has something to say. NVMe base specification 2.0, "Identify Controller Data Structure".</summary>
public sealed record ControllerIdentity
{
    /// <summary>The bytes of every Identify structure.</summary>
    public const int Size = 4096;

    /// <summary>How many Asynchronous Event Requests may be outstanding.</summary>
    public const int AsyncEventLimit = 4;

    /// <summary>SN, 20 characters at most.</summary>
    public required string Serial { get; init; }

    /// <summary>MN, 40 characters at most.</summary>
    public required string Model { get; init; }

    /// <summary>FR, 8 characters at most.</summary>
    public required string Firmware { get; init; }

    /// <summary>SUBNQN.</summary>
    public required string Subsystem { get; init; }

    /// <summary>CNTLID.</summary>
    public required ushort ControllerId { get; init; }

    /// <summary>MDTS, in bytes: a power of 2 times 4096. 0 for no limit.</summary>
    public required int MaxTransfer { get; init; }

    /// <summary>VER.</summary>
    public required uint Version { get; init; }

    /// <summary>OAES: the events it may send.</summary>
    public required uint Events { get; init; }

    /// <summary>CNTRLTYPE: 1 for I/O, 2 for discovery.</summary>
    public required byte Type { get; init; }

    /// <summary>NN: the highest number a namespace may have.</summary>
    public required uint MaxNamespaces { get; init; }

    /// <summary>ONCS: the optional I/O commands.</summary>
    public ushort OptionalCommands { get; init; }

    /// <summary>VWC: whether there is a volatile write cache, and whether a Flush may be for all namespaces.</summary>
    public byte WriteCache { get; init; }

    /// <summary>IOCCSZ, in bytes of data a capsule holds.</summary>
    public int InCapsuleData { get; init; }

    /// <summary>MAXCMD: the most commands outstanding on a queue.</summary>
    public ushort MaxCommands { get; init; }

    /// <summary>Reads it.</summary>
    public static ControllerIdentity Read(ReadOnlySpan<byte> data)
    {
        long capsule = (U32(data, 1792) * 16L) - SubmissionEntry.Size;
        return new()
        {
            Serial = Text(data[4..24]),
            Model = Text(data[24..64]),
            Firmware = Text(data[64..72]),
            MaxTransfer = data[77] is > 0 and <= 18 ? 4096 << data[77] : 0,   // beyond 1GiB it is none
            ControllerId = BinaryPrimitives.ReadUInt16LittleEndian(data[78..]),
            Version = U32(data, 80),
            Events = U32(data, 92),
            Type = data[111],
            MaxCommands = BinaryPrimitives.ReadUInt16LittleEndian(data[514..]),
            MaxNamespaces = U32(data, 516),
            OptionalCommands = BinaryPrimitives.ReadUInt16LittleEndian(data[520..]),
            WriteCache = data[525],
            Subsystem = Text(data[768..1024]),
            InCapsuleData = (int)Math.Clamp(capsule, 0, int.MaxValue),
        };
    }

    /// <summary>Writes it.</summary>
    public void Write(Span<byte> data)
    {
        data[..Size].Clear();
        WriteText(data[4..24], Serial);
        WriteText(data[24..64], Model);
        WriteText(data[64..72], Firmware);
        data[72] = 6;   // RAB: 2^6 commands are worth arbitrating at once, as nvmet says
        data[76] = 2;   // CMIC: the subsystem may have several controllers
        data[77] = (byte)(MaxTransfer == 0 ? 0 : int.Log2(MaxTransfer / 4096));
        BinaryPrimitives.WriteUInt16LittleEndian(data[78..], ControllerId);
        BinaryPrimitives.WriteUInt32LittleEndian(data[80..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(data[92..], Events);
        data[96] = 1;   // CTRATT: host ids of 128 bits
        data[111] = Type;
        data[258] = 3;   // ACL: 4 aborts at once, from 0
        data[259] = AsyncEventLimit - 1;   // AERL, from 0
        data[260] = 3;   // FRMW: slot 1 only, read-only
        data[261] = 6;   // LPA: the effects page, and log page offsets
        data[320] = 10;   // KAS: keep alive counts in seconds
        data[512] = 0x66;   // SQES: 2^6, required and most
        data[513] = 0x44;   // CQES: 2^4
        BinaryPrimitives.WriteUInt16LittleEndian(data[514..], MaxCommands);
        BinaryPrimitives.WriteUInt32LittleEndian(data[516..], MaxNamespaces);
        BinaryPrimitives.WriteUInt16LittleEndian(data[520..], OptionalCommands);
        data[525] = WriteCache;
        BinaryPrimitives.WriteUInt32LittleEndian(data[536..], (1 << 0) | (1 << 20));   // SGLS: any alignment; the address may be an offset
        Encoding.ASCII.GetBytes(Subsystem, data[768..1024]);
        BinaryPrimitives.WriteUInt32LittleEndian(data[1792..], (uint)(SubmissionEntry.Size + InCapsuleData) / 16);   // IOCCSZ
        BinaryPrimitives.WriteUInt32LittleEndian(data[1796..], CompletionEntry.Size / 16);   // IORCSZ
        data[1803] = 1;   // MSDBD: one SGL descriptor
    }

    private static uint U32(ReadOnlySpan<byte> data, int at) => BinaryPrimitives.ReadUInt32LittleEndian(data[at..]);

    private static string Text(ReadOnlySpan<byte> field) => Encoding.ASCII.GetString(field).TrimEnd('\0', ' ');

    private static void WriteText(Span<byte> field, string text)
    {
        field.Fill((byte)' ');
        Encoding.ASCII.GetBytes(text.AsSpan(0, Math.Min(text.Length, field.Length)), field);
    }
}
