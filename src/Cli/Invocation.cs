using System.CommandLine;
using System.Text.Json;
using EveStorage.Cli.Api;
using EveStorage.Linux;

namespace EveStorage.Cli;

/// <summary>One run of a verb: what was typed, where to answer, and who does it.</summary>
internal sealed class Invocation : IAsyncDisposable
{
    private Session? _session;

    private Invocation(ParseResult parsed) => Parsed = parsed;

    /// <summary>What was typed.</summary>
    internal ParseResult Parsed { get; }

    /// <summary>Whether a program reads the answer.</summary>
    internal bool Json => Parsed.GetValue(GlobalOptions.Json);

    /// <summary>Where answers go.</summary>
    internal TextWriter Output => OutputIsTaken ? Error : Parsed.InvocationConfiguration.Output;

    /// <summary>Whether an image goes to the standard output, so that answers can't.</summary>
    internal bool OutputIsTaken { get; set; }

    /// <summary>Whether an image will be looked at.</summary>
    internal bool LooksAtImage { get; set; }

    /// <summary>Where everything else goes.</summary>
    internal TextWriter Error => Parsed.InvocationConfiguration.Error;

    /// <summary>Whether a person watches, whom progress bars and questions are for.</summary>
    internal bool IsInteractive => !Json && !Console.IsOutputRedirected && !Console.IsErrorRedirected;

    /// <summary>Runs a verb, and turns what it throws into a line and an exit code.</summary>
    internal static async Task<int> RunAsync(ParseResult parsed, Func<Invocation, CancellationToken, Task<int>> run, CancellationToken cancellationToken)
    {
        // A Ctrl-C that comes before a verb has given its task back ends the process in its middle: so it is given back at once.
        await Task.Yield();
        await using Invocation invocation = new(parsed);
        try
        {
            return await run(invocation, cancellationToken);
        }
        catch (StorageException e)
        {
            invocation.Tell(ErrorReport.Of(e));
            return ExitCodes.Of(e.Kind);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            invocation.Tell(new(StorageErrorKind.Unavailable, Words(parsed), "cancelled"));
            return ExitCodes.Cancelled;
        }
        catch (IOException e)
        {
            // Whoever opens a file says which: this is where the answer goes, as a disk that is full.
            ErrorReport full = ErrorReport.Of(FileCalls.Failure("output", e));
            invocation.Tell(full with { Message = $"can't be written: {full.Message}" });
            return ExitCodes.Of(full.Kind);
        }
        catch (Exception e) when (IsFault(e))
        {
            invocation.Tell(new(StorageErrorKind.Io, Words(parsed), $"{OneLine(e.Message)} ({e.GetType().Name}: a fault of the program, please report it)"));
            return ExitCodes.Fault;
        }
    }

    /// <summary>Who does it: the daemon, or this process.</summary>
    internal async Task<IStorageApi> OpenAsync(CancellationToken cancellationToken)
    {
        _session ??= await ((VerbInvocation)Parsed.InvocationConfiguration).Open(Parsed.GetValue(GlobalOptions.Profile), LooksAtImage, Error, cancellationToken);
        return _session.Api;
    }

    /// <summary>Who does it, once that is known.</summary>
    internal Session Session => _session ?? throw new InvalidOperationException("Nobody was asked yet.");

    /// <summary>Answers: with the document to a program, else as <paramref name="print"/> does.</summary>
    internal void Answer<T>(T document, Action<TextWriter> print)
    {
        if (Json)
        {
            Output.WriteLine(JsonSerializer.Serialize(document, ApiJson.TypeOf<T>(indented: true)));
        }
        else
        {
            print(Output);
        }
    }

    /// <summary>Says what went wrong.</summary>
    internal void Tell(ErrorReport error) => Error.WriteLine(Json ? ErrorText(error) : $"evestorage: {error.Subject}: {error.Message}");

    /// <summary>An error, for a program.</summary>
    internal static string ErrorText(ErrorReport error) => JsonSerializer.Serialize(new ErrorDocument(error), ApiJson.TypeOf<ErrorDocument>());

    // Whatever nobody turned into an error that a person can act on: a line all the same, where the runtime would print a stack.
    private static bool IsFault(Exception e) => e is not (OutOfMemoryException or AccessViolationException or NoSessionException);

    private static string OneLine(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static string Words(ParseResult parsed) => parsed.CommandResult.Command.Name;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_session is not null)
        {
            await _session.DisposeAsync();
        }
    }
}
