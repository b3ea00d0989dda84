using System.Text.Json.Serialization;

namespace EveStorage.Cli.Api;

/// <summary>A plan, shown before anything runs.</summary>
/// <param name="Request">What was asked for.</param>
/// <param name="Steps">Its steps in order.</param>
internal sealed record PlanReport(ChangeRequest Request, IReadOnlyList<PlannedStep> Steps);

/// <summary>A step of a plan.</summary>
/// <param name="Title">What it does.</param>
/// <param name="Expected">What planning expects: <c>change</c>, <c>already so</c>, <c>destroys …</c>.</param>
internal sealed record PlannedStep(string Title, string Expected);

/// <summary>How far an operation is.</summary>
internal enum OperationState
{
    /// <summary>It runs, or was cut short and has not been recovered yet.</summary>
    Running,

    /// <summary>It failed or was cancelled, and what it changed is being undone; or that was cut short and has not been recovered yet.</summary>
    Reverting,

    /// <summary>It did what was asked.</summary>
    Succeeded,

    /// <summary>It failed, and what it changed is undone.</summary>
    Failed,

    /// <summary>It was cancelled, and what it changed is undone.</summary>
    Cancelled,

    /// <summary>It failed and could not be undone, or only goes forward and can't: a person has to look.</summary>
    NeedsAttention,

    /// <summary>It needed a person, and one said that all is well.</summary>
    Cleared,

    /// <summary>It was cut short, and what it has copied is kept for a time: the same request goes on with it.</summary>
    Interrupted,
}

/// <summary>What states have in common.</summary>
internal static class OperationStates
{
    /// <summary>Whether it has not ended.</summary>
    internal static bool IsUnderWay(this OperationState state) => state is OperationState.Running or OperationState.Reverting;
}

/// <summary>An operation.</summary>
internal sealed record OperationReport
{
    /// <summary>Its id.</summary>
    public required Guid Id { get; init; }

    /// <summary>What was asked for.</summary>
    public required ChangeRequest Request { get; init; }

    /// <summary>The user id of who asked.</summary>
    public required uint UserId { get; init; }

    /// <summary>When it was journaled.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When it ended; null while it has not.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>How far it is.</summary>
    public required OperationState State { get; init; }

    /// <summary>Its steps.</summary>
    public required IReadOnlyList<StepReport> Steps { get; init; }

    /// <summary>How far the running step is; null when it does not say.</summary>
    public ProgressReport? Progress { get; init; }

    /// <summary>Why it failed; null when it did not.</summary>
    public ErrorReport? Error { get; init; }

    /// <summary>What it made or found, for a person and for scripts: <c>id</c>, <c>digest</c>, <c>address</c>; as JSON a size is a number of bytes.</summary>
    [JsonConverter(typeof(OperationResults.Converter))]
    public IReadOnlyDictionary<string, string> Results { get; init; } = new Dictionary<string, string>();
}

/// <summary>A step that was planned, run or undone.</summary>
/// <param name="Title">What it does.</param>
/// <param name="Outcome"><c>pending</c>, <c>running</c>, <c>changed</c>, <c>already so</c>, <c>failed</c>, <c>reverted</c>.</param>
internal sealed record StepReport(string Title, string Outcome);

/// <summary>How far a step is.</summary>
/// <param name="Title">The step.</param>
/// <param name="Done">Bytes done.</param>
/// <param name="Total">Bytes in all; null when not known.</param>
/// <param name="BytesPerSecond">The rate since the step began.</param>
/// <param name="Remaining">How long it will still take at that rate; null when not known.</param>
internal sealed record ProgressReport(string Title, ByteSize Done, ByteSize? Total, ByteSize BytesPerSecond, TimeSpan? Remaining);

/// <summary>An error as it crosses a process.</summary>
/// <param name="Kind">What a caller can act on.</param>
/// <param name="Subject">What it is about.</param>
/// <param name="Message">What is wrong and what to do, without the subject.</param>
internal sealed record ErrorReport(StorageErrorKind Kind, string Subject, string Message)
{
    /// <summary>What <paramref name="exception"/> says.</summary>
    public static ErrorReport Of(StorageException exception)
    {
        string prefix = $"{exception.Subject}: ";
        return new(exception.Kind, exception.Subject,
            exception.Message.StartsWith(prefix, StringComparison.Ordinal) ? exception.Message[prefix.Length..] : exception.Message);
    }

    /// <summary>What <paramref name="refusal"/> of a value says, without the name of our parameter.</summary>
    public static string ReasonOf(Exception refusal)
        => (refusal is ArgumentException { ParamName: string name } ? refusal.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal) : refusal.Message).TrimEnd('.');

    /// <summary>The exception it was.</summary>
    public StorageException ToException() => new(Kind, Subject, Message);
}
