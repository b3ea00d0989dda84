using EveStorage.NvmeOf;
using Microsoft.Extensions.Logging;

namespace EveStorage.NvmetUser;

// What a failure of a volume means to its hosts.
internal sealed partial class Target
{
    /// <summary>The status for a failure of <paramref name="opcode"/>.</summary>
    internal static NvmeStatus StatusOf(IoOpcode opcode, Exception failure) => failure switch
    {
        StorageException { Kind: StorageErrorKind.OutOfSpace } => NvmeStatus.CapacityExceeded,
        StorageException { Kind: StorageErrorKind.Io or StorageErrorKind.Corrupt } => opcode == IoOpcode.Read ? NvmeStatus.UnrecoveredRead : NvmeStatus.WriteFault,
        _ => NvmeStatus.InternalError,
    };

    /// <summary>The status for a command that failed elsewhere. One that had to be stable and is not makes the namespace read-only.</summary>
    internal NvmeStatus StatusOf(CommandSlot slot, Exception failure)
    {
        LogFailed(slot.Subject, slot.Opcode, slot.Offset, failure);
        if (slot.Syncing)
        {
            if (slot.Volume.FailSync())
            {
                _events.Report(
                    "volume.sync-failed",
                    slot.Subject,
                    $"a sync failed ({failure.Message}): what was written may be lost, and it is read-only now; check its device, then export it again",
                    EventSeverity.Critical);
                Announce([.. Exports.All.Where(e => e.Volume == slot.Volume)]);
            }

            return NvmeStatus.WriteFault.Final;
        }

        return StatusOf(slot.Opcode, failure);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Subject}: {Opcode} at {Offset} failed")]
    private partial void LogFailed(string subject, IoOpcode opcode, long offset, Exception failure);
}
