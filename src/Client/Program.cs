using System.CommandLine;
using EveStorage;
using EveStorage.Cli;
using EveStorage.Client;
using EveStorage.Linux;

// What a daemon can be asked is asked here. All else, from a help text to a profile that can't be read, is the full program's, which is
// started in this one's place: each text and exit code has one origin.
if (ApiVerbs.Find(args) is CliVerb verb)
{
    ParseResult parsed = VerbTree.Of([verb]).Parse(args);
    if (parsed.Errors.Count == 0 && parsed.Action == verb.Command.Action && VerbTree.StrayOption(parsed) is null)
    {
        try
        {
            return await parsed.InvokeAsync(new VerbInvocation(DaemonSession.OpenAsync));
        }
        catch (NoSessionException)
        {
            // It is no daemon's, or of another version or other settings: the full program says what there is to say.
        }
    }
}

try
{
    string whole = Path.Combine(AppContext.BaseDirectory, "evestorage");
    if ((File.ResolveLinkTarget(whole, returnFinalTarget: true)?.FullName ?? whole) == Environment.ProcessPath)
    {
        throw new StorageException(StorageErrorKind.InvalidConfiguration, whole, "is this small client, and not the program that it belongs to: install that there");   // or it would start itself for ever
    }

    ThisProcess.Become(whole, args);
    return ExitCodes.Fault;
}
catch (StorageException e)
{
    await Console.Error.WriteLineAsync($"evestorage: {e.Message}");
    return ExitCodes.Of(e.Kind);
}
