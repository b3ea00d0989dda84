namespace EveStorage.Cli.Api;

/// <summary>An error over HTTP: the members of RFC 9457, and ours beside them.</summary>
/// <param name="Type">No page says more: <c>about:blank</c>.</param>
/// <param name="Title">The kind, in words.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">The whole sentence.</param>
/// <param name="Kind">What a caller can act on.</param>
/// <param name="Subject">What it is about.</param>
/// <param name="Message">What is wrong and what to do, without the subject.</param>
internal sealed record Problem(string Type, string Title, int Status, string Detail, StorageErrorKind Kind, string Subject, string Message)
{
    /// <summary>The error as a problem.</summary>
    public static Problem Of(ErrorReport error, int status)
        => new("about:blank", $"{error.Kind}", status, $"{error.Subject}: {error.Message}", error.Kind, error.Subject, error.Message);
}
