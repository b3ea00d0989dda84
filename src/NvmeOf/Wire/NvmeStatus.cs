namespace EveStorage.NvmeOf;

/// <summary>
/// How a command ended: status code in bits 0 to 7, its type in 8 to 10, Do Not Retry in 14. NVMe base specification 2.0,
/// "Status Field Definition"; the connect codes are in "Connect command" there.
/// </summary>
/// <param name="Code">The status field without the phase tag.</param>
public readonly record struct NvmeStatus(ushort Code)
{
    private const ushort DoNotRetry = 1 << 14;
    private const ushort CommandSpecific = 1 << 8;
    private const ushort Media = 2 << 8;

    /// <summary>It did what it was asked for.</summary>
    public static NvmeStatus Success => new(0x00);

    /// <summary>There is no such command here.</summary>
    public static NvmeStatus InvalidOpcode => new(0x01 | DoNotRetry);

    /// <summary>A field has a value that can't be.</summary>
    public static NvmeStatus InvalidField => new(0x02 | DoNotRetry);

    /// <summary>The controller failed.</summary>
    public static NvmeStatus InternalError => new(0x06);

    /// <summary>There is no such namespace for this host.</summary>
    public static NvmeStatus InvalidNamespace => new(0x0B | DoNotRetry);

    /// <summary>It can't come now: the controller is not enabled, or it came before.</summary>
    public static NvmeStatus CommandSequenceError => new(0x0C | DoNotRetry);

    /// <summary>The data's length is not the command's.</summary>
    public static NvmeStatus DataLengthInvalid => new(0x0F | DoNotRetry);

    /// <summary>The data is of a kind that does not fit the command.</summary>
    public static NvmeStatus SglTypeInvalid => new(0x11 | DoNotRetry);

    /// <summary>Data in the capsule starts at an offset that can't be.</summary>
    public static NvmeStatus SglOffsetInvalid => new(0x16 | DoNotRetry);

    /// <summary>The keep alive time-out is beyond what the controller allows.</summary>
    public static NvmeStatus KeepAliveInvalid => new(0x1A | DoNotRetry);

    /// <summary>The namespace takes no changes.</summary>
    public static NvmeStatus WriteProtected => new(0x20 | DoNotRetry);

    /// <summary>Data was damaged on its way; the host tries again. NVMe/TCP 1.0c, "Data Digest Errors".</summary>
    public static NvmeStatus TransientTransportError => new(0x22);

    /// <summary>Blocks beyond the end.</summary>
    public static NvmeStatus BlockOutOfRange => new(0x80 | DoNotRetry);

    /// <summary>There is no room.</summary>
    public static NvmeStatus CapacityExceeded => new(0x81 | DoNotRetry);

    /// <summary>More Asynchronous Event Requests than the limit.</summary>
    public static NvmeStatus EventLimitExceeded => new(CommandSpecific | 0x05 | DoNotRetry);

    /// <summary>There is no such log page.</summary>
    public static NvmeStatus InvalidLogPage => new(CommandSpecific | 0x09 | DoNotRetry);

    /// <summary>The feature can't be saved.</summary>
    public static NvmeStatus FeatureNotSaveable => new(CommandSpecific | 0x0D | DoNotRetry);

    /// <summary>The feature can't be changed.</summary>
    public static NvmeStatus FeatureNotChangeable => new(CommandSpecific | 0x0E | DoNotRetry);

    /// <summary>The Connect is of another format.</summary>
    public static NvmeStatus ConnectIncompatibleFormat => new(CommandSpecific | 0x80 | DoNotRetry);

    /// <summary>A limit is reached; the host may try again.</summary>
    public static NvmeStatus ConnectBusy => new(CommandSpecific | 0x81);

    /// <summary>A parameter of the Connect is wrong; the result names it.</summary>
    public static NvmeStatus ConnectInvalidParameters => new(CommandSpecific | 0x82);

    /// <summary>The host is not allowed.</summary>
    public static NvmeStatus ConnectInvalidHost => new(CommandSpecific | 0x84);

    /// <summary>The host has to prove its key first.</summary>
    public static NvmeStatus AuthenticationRequired => new(CommandSpecific | 0x91 | DoNotRetry);

    /// <summary>The medium did not take it.</summary>
    public static NvmeStatus WriteFault => new(Media | 0x80);

    /// <summary>The medium did not give it.</summary>
    public static NvmeStatus UnrecoveredRead => new(Media | 0x81);

    /// <summary>Whether it succeeded.</summary>
    public bool IsSuccess => Code == 0;

    /// <summary>The same, and trying again is of no use.</summary>
    public NvmeStatus Final => new((ushort)(Code | DoNotRetry));

    /// <summary>Whether it is <paramref name="other"/>, whatever each says of trying again.</summary>
    public bool Is(NvmeStatus other) => (Code & 0x7FF) == (other.Code & 0x7FF);

    /// <summary>For a person, as the specification writes them: type and code.</summary>
    public override string ToString() => $"status {(Code >> 8) & 7:x}/{Code & 0xFF:x2}";
}
