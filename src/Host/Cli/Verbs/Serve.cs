using EveStorage.Cli;
using EveStorage.Cli.Profiles;
using EveStorage.Host.Daemon;
using EveStorage.Host.Engine;
using EveStorage.Host.Locks;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using EveStorage.Host.Worker;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace EveStorage.Host.Cli.Verbs;

internal sealed class Serve() : CliVerb(
    "serve",
    "Run the daemon: it finishes what a crash left, exports again what is on record, and answers on its socket until it is told to stop (SIGTERM, Ctrl-C). Other verbs find it by themselves. Settings are read at its start alone: restart it for others. SIGHUP, as of a terminal that is closed, ends it as a crash does, which the next start repairs.")
{
    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        Task<WebApplicationBuilder> server = DaemonHost.Begin();
        Problems problems = new();
        Profile profile = ProfileReader.Read(ProfileSource.Read(invocation.Parsed.GetValue(GlobalOptions.Profile)), problems);
        problems.ThrowIfAny(profile.Name);
        using HeldLock place = await DaemonHost.TakePlaceAsync(profile, "serves", cancellationToken);
        using Heartbeat? heart = Heartbeat.Start(profile.Api.Socket);
        DaemonHost daemon = DaemonHost.Compose(profile, server);
        PluginCatalog catalog = PluginCatalog.Load(profile.Plugins);
        using SpareWorker spare = SpareWorker.Always(
            profile.Images.ReadyWorker, [.. catalog.Entries.Where(static entry => entry.Parts is { ImageFormats.Count: > 0 }).Select(static entry => entry.Directory!)]);
        await using StorageEngine engine = StorageEngine.Open(
            profile, catalog, static logging => logging.AddConsoleToError(LogLevel.Information), spare);
        try
        {
            await daemon.RunAsync(engine, socket => TellReady(invocation, profile, socket), heart, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // told to stop before it was ready
        }

        return ExitCodes.Success;
    }

    // For a person alone: a supervisor is told in its own way.
    private static void TellReady(Invocation invocation, Profile profile, string socket)
    {
        if (!Console.IsErrorRedirected)
        {
            invocation.Error.WriteLine($"evestorage: serves profile {profile.Name}, answers on {socket}; Ctrl-C ends it");
        }
    }
}
