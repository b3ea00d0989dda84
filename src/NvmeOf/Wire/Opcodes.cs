namespace EveStorage.NvmeOf;

/// <summary>Admin commands. NVMe base specification 2.0, "Admin Command Set".</summary>
public enum AdminOpcode : byte
{
    /// <summary>Get Log Page.</summary>
    GetLogPage = 0x02,

    /// <summary>Identify.</summary>
    Identify = 0x06,

    /// <summary>Abort.</summary>
    Abort = 0x08,

    /// <summary>Set Features.</summary>
    SetFeatures = 0x09,

    /// <summary>Get Features.</summary>
    GetFeatures = 0x0A,

    /// <summary>Asynchronous Event Request.</summary>
    AsyncEventRequest = 0x0C,

    /// <summary>Keep Alive.</summary>
    KeepAlive = 0x18,

    /// <summary>A fabrics command, on any queue.</summary>
    Fabrics = 0x7F,
}

/// <summary>I/O commands of the NVM command set. NVM command set specification 1.0, "NVM Command Set Commands".</summary>
public enum IoOpcode : byte
{
    /// <summary>Flush.</summary>
    Flush = 0x00,

    /// <summary>Write.</summary>
    Write = 0x01,

    /// <summary>Read.</summary>
    Read = 0x02,

    /// <summary>Write Zeroes.</summary>
    WriteZeroes = 0x08,

    /// <summary>Dataset Management.</summary>
    DatasetManagement = 0x09,
}

/// <summary>FCTYPE: fabrics commands. NVMe base specification 2.0, "Fabrics Commands".</summary>
public enum FabricsType : byte
{
    /// <summary>Property Set.</summary>
    PropertySet = 0x00,

    /// <summary>Connect.</summary>
    Connect = 0x01,

    /// <summary>Property Get.</summary>
    PropertyGet = 0x04,

    /// <summary>Authentication Send.</summary>
    AuthenticationSend = 0x05,

    /// <summary>Authentication Receive.</summary>
    AuthenticationReceive = 0x06,
}

/// <summary>CNS: what an Identify asks for. NVMe base specification 2.0, "Identify command".</summary>
public enum IdentifyStructure : byte
{
    /// <summary>A namespace.</summary>
    Namespace = 0x00,

    /// <summary>The controller.</summary>
    Controller = 0x01,

    /// <summary>The ids of the active namespaces.</summary>
    ActiveNamespaces = 0x02,

    /// <summary>What a namespace is known by.</summary>
    NamespaceIdentification = 0x03,

    /// <summary>A namespace, as its command set has it.</summary>
    CommandSetNamespace = 0x05,

    /// <summary>The controller, as a command set has it.</summary>
    CommandSetController = 0x06,

    /// <summary>The ids of the active namespaces of a command set.</summary>
    CommandSetActiveNamespaces = 0x07,

    /// <summary>A namespace, as every command set has it.</summary>
    IndependentNamespace = 0x08,

    /// <summary>The combinations of command sets.</summary>
    CommandSets = 0x1C,
}

/// <summary>LID: log pages. NVMe base specification 2.0, "Get Log Page command".</summary>
public enum LogPage : byte
{
    /// <summary>Errors.</summary>
    Error = 0x01,

    /// <summary>SMART / health.</summary>
    Health = 0x02,

    /// <summary>Firmware slots.</summary>
    Firmware = 0x03,

    /// <summary>Namespaces that changed.</summary>
    ChangedNamespaces = 0x04,

    /// <summary>Commands supported, and their effects.</summary>
    CommandEffects = 0x05,

    /// <summary>The subsystems a host may connect to.</summary>
    Discovery = 0x70,
}

/// <summary>FID: features. NVMe base specification 2.0, "Set Features command".</summary>
public enum Feature : byte
{
    /// <summary>Volatile Write Cache.</summary>
    VolatileWriteCache = 0x06,

    /// <summary>Number of Queues.</summary>
    NumberOfQueues = 0x07,

    /// <summary>Asynchronous Event Configuration.</summary>
    AsyncEventConfiguration = 0x0B,

    /// <summary>Keep Alive Timer.</summary>
    KeepAliveTimer = 0x0F,

    /// <summary>Host Identifier.</summary>
    HostIdentifier = 0x81,
}
