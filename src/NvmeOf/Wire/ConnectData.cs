using System.Buffers.Binary;
using System.Text;

namespace EveStorage.NvmeOf;

/// <summary>The data of a Connect. NVMe base specification 2.0, "Connect Command Data".</summary>
/// <param name="HostId">HOSTID: one for all connections of a host.</param>
/// <param name="ControllerId">CNTLID: of the controller an I/O queue is for; 0xFFFF on an admin queue, for any.</param>
/// <param name="Subsystem">SUBNQN, as it came.</param>
/// <param name="Host">HOSTNQN, as it came.</param>
public sealed record ConnectData(Guid HostId, ushort ControllerId, string Subsystem, string Host)
{
    /// <summary>Its bytes.</summary>
    public const int Size = 1024;

    /// <summary>CNTLID that asks for any controller: the dynamic controller model.</summary>
    public const ushort AnyController = 0xFFFF;

    /// <summary>Where CNTLID lies, for an error that names it.</summary>
    public const int ControllerIdAt = 16;

    /// <summary>Where SUBNQN lies.</summary>
    public const int SubsystemAt = 256;

    /// <summary>Where HOSTNQN lies.</summary>
    public const int HostAt = 512;

    /// <summary>AUTHREQ.ATR in the result of a Connect: the host has to prove its key before anything else.</summary>
    public const uint AuthenticationRequired = 1 << 17;

    private const int NqnSize = 256;

    /// <summary>Reads it. A name without its end reads as an empty one, which no host or subsystem has.</summary>
    public static ConnectData Read(ReadOnlySpan<byte> data)
        => new(
            new(data[..16], bigEndian: true),
            BinaryPrimitives.ReadUInt16LittleEndian(data[ControllerIdAt..]),
            Name(data.Slice(SubsystemAt, NqnSize)),
            Name(data.Slice(HostAt, NqnSize)));

    /// <summary>Writes it.</summary>
    public void Write(Span<byte> data)
    {
        data[..Size].Clear();
        HostId.TryWriteBytes(data, bigEndian: true, out _);
        BinaryPrimitives.WriteUInt16LittleEndian(data[ControllerIdAt..], ControllerId);
        Encoding.ASCII.GetBytes(Subsystem, data.Slice(SubsystemAt, NqnSize));
        Encoding.ASCII.GetBytes(Host, data.Slice(HostAt, NqnSize));
    }

    private static string Name(ReadOnlySpan<byte> field)
    {
        int end = field.IndexOf((byte)0);
        return end < 0 ? "" : Encoding.Latin1.GetString(field[..end]);
    }
}
