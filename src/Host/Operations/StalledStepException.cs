namespace EveStorage.Host.Operations;

/// <summary>
/// A step did not return, and not when it was told to stop either. It may still act, at any time, until this process ends: so nothing of it is
/// undone, and what it has in hand is let go by nobody before.
/// </summary>
internal sealed class StalledStepException(string subject, string message) : StorageException(StorageErrorKind.NeedsAttention, subject, message);
