namespace EveStorage.NvmeOf;

/// <summary>A command of the initiator ended with another status than success.</summary>
public sealed class NvmeCommandException(string subject, string command, NvmeStatus status)
    : StorageException(KindOf(status), subject, $"{command} ended with {status}")
{
    /// <summary>How it ended.</summary>
    public NvmeStatus Status => status;

    private static StorageErrorKind KindOf(NvmeStatus status)
        => status.Is(NvmeStatus.ConnectInvalidHost) ? StorageErrorKind.Unavailable
        : status.Is(NvmeStatus.ConnectInvalidParameters) || status.Is(NvmeStatus.InvalidNamespace) ? StorageErrorKind.NotFound
        : status.Is(NvmeStatus.ConnectBusy) ? StorageErrorKind.Busy
        : status.Is(NvmeStatus.CapacityExceeded) ? StorageErrorKind.OutOfSpace
        : status.Is(NvmeStatus.WriteProtected) ? StorageErrorKind.Conflict
        : StorageErrorKind.Io;
}
