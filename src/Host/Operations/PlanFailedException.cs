namespace EveStorage.Host.Operations;

/// <summary>A step that could not be undone, and why.</summary>
internal sealed record RevertFailure(StorageStep Step, Exception Failure);

/// <summary>
/// A plan failed, and what it had done is not all undone: a person has to look. A plan that was undone throws the first error as it was.
/// </summary>
internal sealed class PlanFailedException(string subject, string message, Exception cause, IReadOnlyList<RevertFailure> revertFailures)
    : StorageException(StorageErrorKind.NeedsAttention, subject, message, new AggregateException([cause, .. revertFailures.Select(f => f.Failure)]))
{
    /// <summary>Why the plan failed.</summary>
    public Exception Cause => cause;

    /// <summary>What could not be undone; empty when a destructive step was done and undoing was not tried.</summary>
    public IReadOnlyList<RevertFailure> RevertFailures => revertFailures;
}
