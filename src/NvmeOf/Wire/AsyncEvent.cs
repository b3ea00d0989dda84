namespace EveStorage.NvmeOf;

/// <summary>What an Asynchronous Event Request returns. NVMe base specification 2.0, "Asynchronous Event Request command".</summary>
/// <param name="Type">The kind: 2 is a notice.</param>
/// <param name="Information">What happened.</param>
/// <param name="Page">The log page that tells more; reading it allows the next event of the kind.</param>
public readonly record struct AsyncEvent(byte Type, byte Information, LogPage Page)
{
    /// <summary>Namespaces were added, removed or changed.</summary>
    public static AsyncEvent NamespacesChanged { get; } = new(2, 0x00, LogPage.ChangedNamespaces);

    /// <summary>The discovery log changed.</summary>
    public static AsyncEvent DiscoveryChanged { get; } = new(2, 0xF0, LogPage.Discovery);

    /// <summary>DW0 of its completion.</summary>
    public uint Result => Type | ((uint)Information << 8) | ((uint)Page << 16);

    /// <summary>Reads it from DW0 of a completion.</summary>
    public static AsyncEvent Of(uint result) => new((byte)(result & 7), (byte)(result >> 8), (LogPage)(byte)(result >> 16));
}
