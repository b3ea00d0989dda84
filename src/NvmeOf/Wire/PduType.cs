namespace EveStorage.NvmeOf;

/// <summary>What a PDU is. NVMe/TCP Transport Specification 1.0c, "PDU Definitions".</summary>
public enum PduType : byte
{
    /// <summary>ICReq: the first PDU of a connection, from the host.</summary>
    InitializeRequest = 0x00,

    /// <summary>ICResp: its answer.</summary>
    InitializeResponse = 0x01,

    /// <summary>H2CTermReq: the host found a fatal error.</summary>
    HostTermination = 0x02,

    /// <summary>C2HTermReq: the controller found a fatal error.</summary>
    ControllerTermination = 0x03,

    /// <summary>CapsuleCmd: a submission entry, with its data or without.</summary>
    Command = 0x04,

    /// <summary>CapsuleResp: a completion entry.</summary>
    Response = 0x05,

    /// <summary>H2CData: data of a write that was asked for by R2T.</summary>
    HostData = 0x06,

    /// <summary>C2HData: data of a read.</summary>
    ControllerData = 0x07,

    /// <summary>R2T: the controller is ready for data of a write.</summary>
    ReadyToTransfer = 0x09,
}

/// <summary>The FLAGS of a PDU's common header.</summary>
[Flags]
public enum PduBits : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>HDGSTF: a header digest follows the header.</summary>
    HeaderDigest = 1,

    /// <summary>DDGSTF: a data digest follows the data.</summary>
    DataDigest = 2,

    /// <summary>LAST_PDU: the last data of its transfer.</summary>
    Last = 4,

    /// <summary>SUCCESS: the command succeeded, and no response capsule follows.</summary>
    Success = 8,
}

/// <summary>The digests of a connection: DGST of ICReq and ICResp. Each is a CRC32C.</summary>
[Flags]
public enum PduDigests : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Of each header.</summary>
    Header = 1,

    /// <summary>Of all data.</summary>
    Data = 2,
}
