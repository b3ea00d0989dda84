namespace EveStorage.Cli;

/// <summary>What a script can tell errors apart by.</summary>
internal static class ExitCodes
{
    internal const int Success = 0;
    internal const int Fault = 1;
    internal const int Usage = 2;
    internal const int Cancelled = 130;

    /// <summary>Each code with what it says, for help and manual.</summary>
    internal static IReadOnlyList<(int Code, string Meaning)> All { get; } =
        [
            (Success, "done"),
            (Fault, "a fault of the program"),
            (Usage, "wrong arguments, or the configuration asks for what can't be"),
            (Of(StorageErrorKind.Io), "the system or a device failed"),
            (Of(StorageErrorKind.Unavailable), "a program, a kernel module, a permission or the daemon is missing"),
            (Of(StorageErrorKind.NotFound), "no such pool, volume, snapshot, export or operation"),
            (Of(StorageErrorKind.Conflict), "it exists, or is not ours"),
            (Of(StorageErrorKind.Busy), "it is in use"),
            (Of(StorageErrorKind.OutOfSpace), "there is no room"),
            (Of(StorageErrorKind.Corrupt), "the data can't be what it claims to be"),
            (Of(StorageErrorKind.NotSupported), "not something that these plugins do"),
            (Of(StorageErrorKind.NeedsAttention), "a person has to look: see `evestorage doctor`"),
            (Cancelled, "cancelled, and undone"),
        ];

    /// <summary>The code of a kind of error.</summary>
    internal static int Of(StorageErrorKind kind) => kind switch
    {
        StorageErrorKind.Io => 3,
        StorageErrorKind.InvalidConfiguration => Usage,
        StorageErrorKind.Unavailable => 4,
        StorageErrorKind.NotFound => 5,
        StorageErrorKind.Conflict => 6,
        StorageErrorKind.Busy => 7,
        StorageErrorKind.OutOfSpace => 8,
        StorageErrorKind.Corrupt => 9,
        StorageErrorKind.NotSupported => 10,
        StorageErrorKind.NeedsAttention => 11,
        _ => Fault,
    };
}
