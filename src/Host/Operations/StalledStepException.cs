namespace EveStorage.Host.Operations;

/// <summary>
/// A step did not return, and not when it was told to stop either. It may still act, at any time, until this process ends: so nothing of it is
/// undone, nor of another operation on its pool, and what they have in hand is let go by nobody before.
/// </summary>
internal sealed class StalledStepException : StorageException
{
    private readonly string _message;

    internal StalledStepException(string subject, string message, Exception? cause = null)
        : base(StorageErrorKind.NeedsAttention, subject, message, cause) => _message = message;

    /// <summary>The same of one that is an undoing: what is undone had failed before.</summary>
    internal StalledStepException After(Exception cause) => new(Subject, $"{_message}, after: {cause.Message}", cause);
}
