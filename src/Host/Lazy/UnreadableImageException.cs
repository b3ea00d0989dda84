using EveStorage.Cli.Api;

namespace EveStorage.Host.Lazy;

/// <summary>
/// An image that can't be read, now or there. Of whatever kind the cause is, for who reads a disk it is a place that can't be read. What a pool
/// says of its own is never one.
/// </summary>
internal sealed class UnreadableImageException(StorageException cause) : StorageException(StorageErrorKind.Io, cause.Subject, ErrorReport.Of(cause).Message, cause)
{
    /// <summary>Whether the image holds what can't be, and so stays unreadable.</summary>
    internal bool IsDamage { get; } = cause.Kind == StorageErrorKind.Corrupt;
}
