using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace EveStorage.NvmeOf;

/// <summary>One way to one subsystem in a discovery log over TCP. NVMe base specification 2.0, "Discovery Log Page Entry".</summary>
/// <param name="Subsystem">SUBNQN.</param>
/// <param name="Address">TRADDR.</param>
/// <param name="Port">TRSVCID.</param>
public sealed record DiscoveryEntry(string Subsystem, string Address, int Port)
{
    /// <summary>Its bytes; the log's header has as many.</summary>
    public const int Size = 1024;

    /// <summary>The subsystem that every host may ask for others.</summary>
    public const string DiscoverySubsystem = "nqn.2014-08.org.nvmexpress.discovery";

    private const byte Tcp = 3;
    private const byte NvmSubsystem = 2;
    private const byte FlowControlCanBeOff = 4;

    /// <summary>Writes a log's header: GENCTR, NUMREC and RECFMT 0.</summary>
    public static void WriteHeader(Span<byte> log, ulong generation, int count)
    {
        log[..Size].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(log, generation);
        BinaryPrimitives.WriteUInt64LittleEndian(log[8..], (ulong)count);
    }

    /// <summary>Reads a log's header.</summary>
    public static (ulong Generation, ulong Count) ReadHeader(ReadOnlySpan<byte> log)
        => (BinaryPrimitives.ReadUInt64LittleEndian(log), BinaryPrimitives.ReadUInt64LittleEndian(log[8..]));

    /// <summary>Reads it.</summary>
    public static DiscoveryEntry Read(ReadOnlySpan<byte> entry)
    {
        string port = Text(entry.Slice(32, 32));
        return ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number)
            ? new(Text(entry.Slice(256, 256)), Text(entry.Slice(512, 256)), number)
            : throw new StorageException(StorageErrorKind.Corrupt, "discovery log", $"'{port}' is not a port");
    }

    /// <summary>Writes it, for a controller of the dynamic model and an admin queue of 32 at least.</summary>
    public void Write(Span<byte> entry)
    {
        entry[..Size].Clear();
        entry[0] = Tcp;
        entry[1] = Address.Contains(':') ? (byte)2 : (byte)1;   // ADRFAM: IPv6, IPv4
        entry[2] = NvmSubsystem;
        entry[3] = FlowControlCanBeOff;
        BinaryPrimitives.WriteUInt16LittleEndian(entry[4..], 1);   // PORTID
        BinaryPrimitives.WriteUInt16LittleEndian(entry[6..], ConnectData.AnyController);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[8..], 32);   // ASQSZ
        WriteText(entry.Slice(32, 32), $"{Port}");
        WriteText(entry.Slice(256, 256), Subsystem, padding: 0);
        WriteText(entry.Slice(512, 256), Address);
    }

    // Fixed text is padded with spaces; only SUBNQN ends with 0.
    private static void WriteText(Span<byte> field, string text, byte padding = (byte)' ')
    {
        field.Fill(padding);
        Encoding.ASCII.GetBytes(text, field);
    }

    private static string Text(ReadOnlySpan<byte> field) => Encoding.ASCII.GetString(field).TrimEnd('\0', ' ');
}
