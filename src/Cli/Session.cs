using System.CommandLine;
using EveStorage.Cli.Api;

namespace EveStorage.Cli;

/// <summary>Who does what a verb asks.</summary>
internal abstract class Session(IStorageApi api) : IAsyncDisposable
{
    /// <summary>Answers.</summary>
    internal IStorageApi Api => api;

    /// <inheritdoc/>
    public virtual ValueTask DisposeAsync() => api.DisposeAsync();
}

/// <summary>Nobody does here what a verb asks, and another program has to. No verb has done anything by then.</summary>
internal sealed class NoSessionException : Exception;

/// <summary>Finds who does what a verb asks.</summary>
/// <param name="profileName">The profile; null for the usual one.</param>
/// <param name="looksAtImage">Whether an image will be looked at.</param>
/// <param name="error">Where warnings go.</param>
/// <param name="cancellationToken">Stops it.</param>
internal delegate Task<Session> SessionOpening(string? profileName, bool looksAtImage, TextWriter error, CancellationToken cancellationToken);

/// <summary>How verbs run in this program.</summary>
internal sealed class VerbInvocation : InvocationConfiguration
{
    internal VerbInvocation(SessionOpening open)
    {
        Open = open;
        EnableDefaultExceptionHandler = false;

        // Without a limit of its own: what was begun is undone, under limits of its steps. Theirs is 2 seconds, then the process is ended in its middle.
        ProcessTerminationTimeout = Timeout.InfiniteTimeSpan;
    }

    /// <summary>Finds who does what a verb asks.</summary>
    internal SessionOpening Open { get; }
}
