using System.CommandLine;
using EveStorage.Cli;
using EveStorage.Cli.Profiles;
using EveStorage.Conformance;
using EveStorage.Host.Checks;
using EveStorage.Host.Daemon;
using EveStorage.Host.Engine;
using EveStorage.Host.Locks;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using Microsoft.Extensions.Logging;

namespace EveStorage.Host.Cli.Verbs;

internal sealed class PluginCheck : CliVerb
{
    private readonly Argument<string> _plugin = new("plugin") { Description = "The plugin, by its id.", HelpName = "PLUGIN" };
    private readonly Option<string[]> _devices = new("--device")
    {
        Description = "A device or directory that the pool is made of, and that has nothing on it. It may be given several times.",
        HelpName = "PATH",
    };

    private readonly Option<string[]> _set = new("--set") { Description = "An option of the plugin, as a profile has it under Options.", HelpName = "KEY=VALUE" };
    private readonly Option<string?> _kind = new("--kind") { Description = "Which of its kinds, of a plugin with several: backend:file.", HelpName = "KIND" };
    private readonly Option<string?> _from = new("--from") { Description = "A directory more to find plugins in, each in a folder of its own.", HelpName = "DIRECTORY" };
    private readonly Option<PoolName?> _pool = new("--pool")
    {
        Description = "Check this pool of the profile instead, which has to be made and empty, and is left so. Refused while a daemon runs.",
        HelpName = "POOL",
        CustomParser = static result => (PoolName?)Arguments.Parse(result, static text => new PoolName(text)),
    };

    private readonly Option<int> _limit = new("--limit")
    {
        Description = "How many seconds a promise may take. A call that does not return then ends the check.",
        HelpName = "SECONDS",
        DefaultValueFactory = static _ => 300,
    };

    public PluginCheck()
        : base(
            "plugin check",
            "Hold a plugin to the contract: make a pool in a place of its own, or serve volumes of its own, run each promise, say in a sentence what is broken, and remove all that was made. Nothing but the named place is touched. Exit code 9 when a promise is broken.\n\nExample: evestorage plugin check eve.file --device /var/tmp/scratch")
    {
        Add(_plugin);
        Add(_devices);
        Add(_set);
        Add(_kind);
        Add(_from);
        Add(_pool);
        Add(_limit);
    }

    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        Problems problems = new();
        Profile profile = ProfileReader.Read(ProfileSource.Read(invocation.Parsed.GetValue(GlobalOptions.Profile)), problems);
        problems.ThrowIfAny(profile.Name);
        if (invocation.Parsed.GetValue(_from) is string directory)
        {
            profile.Plugins.Directories.Add(Path.GetFullPath(directory));
        }

        string plugin = invocation.Parsed.GetValue(_plugin)!;
        TimeSpan limit = TimeSpan.FromSeconds(Math.Clamp(invocation.Parsed.GetValue(_limit), 1, 86400));
        return invocation.Parsed.GetValue(_pool) is PoolName pool
            ? await CheckAsync(invocation, profile, plugin, pool, limit, cancellationToken)
            : await TellAsync(invocation, new PluginTrial(profile.Plugins, plugin, PlaceOf(invocation, plugin, limit)).RunAsync(cancellationToken));
    }

    private async Task<int> CheckAsync(Invocation invocation, Profile profile, string plugin, PoolName pool, TimeSpan limit, CancellationToken cancellationToken)
    {
        if (invocation.Parsed.GetValue(_devices) is { Length: > 0 } || invocation.Parsed.GetValue(_set) is { Length: > 0 })
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, $"{pool}", "has its devices and options in the profile: leave --device and --set out");
        }

        PluginCatalog catalog = PluginCatalog.Load(profile.Plugins);
        if (profile.Pools.TryGetValue(pool, out PoolOptions? declared) && catalog.Backends.FirstOrDefault(part => part.Kind == declared.Kind) is { } part && part.Plugin != plugin)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, $"{pool}", $"is of kind {declared.Kind}, which is {part.Plugin}'s and not {plugin}'s");
        }

        using HeldLock place = await DaemonHost.TakePlaceAsync(profile, "checks a pool", cancellationToken);
        await using StorageEngine engine = StorageEngine.Open(profile, catalog, static logging => logging.AddConsoleToError(LogLevel.Critical));
        return await TellAsync(invocation, engine.CheckAsync(pool, limit, cancellationToken));
    }

    private static async Task<int> TellAsync(Invocation invocation, IAsyncEnumerable<PromiseReport> promises)
    {
        List<PromiseReport> reports = [];
        await foreach (PromiseReport report in promises)
        {
            reports.Add(report);
            if (!invocation.Json)
            {
                string result = report switch { { Kept: true } => "kept", { Kept: false } => "BROKEN", { Reason: null } => "not claimed", _ => "not tried" };
                await invocation.Output.WriteLineAsync($"{result,-11}  {report.Promise}{(report.Reason is null ? "" : $": {report.Reason}")}");
            }
        }

        int broken = reports.Count(report => report.Kept == false);
        invocation.Answer(
            reports.Select(report => new { report.Promise, report.Kept, report.Reason }).ToArray(),
            output => output.WriteLine($"{reports.Count(report => report.Kept == true)} kept, {broken} broken, {reports.Count(report => report.Kept is null)} not tried or not claimed"));
        return broken > 0 ? ExitCodes.Of(StorageErrorKind.Corrupt) : ExitCodes.Success;
    }

    private TrialPlace PlaceOf(Invocation invocation, string plugin, TimeSpan limit)
    {
        Dictionary<string, string?> options = [];
        foreach (string option in invocation.Parsed.GetValue(_set) ?? [])
        {
            string[] words = option.Split('=', 2);
            options[words[0]] = words.Length == 2 ? words[1] : throw new StorageException(StorageErrorKind.InvalidConfiguration, plugin, $"'{option}' is no option: write KEY=VALUE");
        }

        return new()
        {
            Devices = [.. (invocation.Parsed.GetValue(_devices) ?? []).Select(static device => device.Contains(':', StringComparison.Ordinal) ? device : Path.GetFullPath(device))],
            Options = options,
            Kind = invocation.Parsed.GetValue(_kind),
            Limit = limit,
        };
    }
}
