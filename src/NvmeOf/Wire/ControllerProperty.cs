namespace EveStorage.NvmeOf;

/// <summary>Offsets of the properties fabrics have. NVMe base specification 2.0, "Controller Properties".</summary>
public static class ControllerProperty
{
    /// <summary>CAP: what the controller can, 8 bytes.</summary>
    public const uint Capabilities = 0x00;

    /// <summary>VS: the specification it follows.</summary>
    public const uint Version = 0x08;

    /// <summary>CC: what the host wants of it.</summary>
    public const uint Configuration = 0x14;

    /// <summary>CSTS: how it is.</summary>
    public const uint Status = 0x1C;

    /// <summary>CC.EN.</summary>
    public const uint Enable = 1;

    /// <summary>CC for an enabled controller: EN, entries of 2^6 and 2^4 bytes.</summary>
    public const uint EnabledConfiguration = Enable | (6 << 16) | (4 << 20);

    /// <summary>CC.SHN, all of it.</summary>
    public const uint ShutdownMask = 3 << 14;

    /// <summary>CC.SHN: a normal shutdown is asked for.</summary>
    public const uint NormalShutdown = 1 << 14;

    /// <summary>CSTS.RDY.</summary>
    public const uint Ready = 1;

    /// <summary>CSTS.CFS: it can't go on.</summary>
    public const uint Fatal = 2;

    /// <summary>CSTS.SHST: the shutdown is complete.</summary>
    public const uint ShutdownComplete = 2 << 2;
}
