using System.CommandLine;
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
    private readonly Argument<PoolName> _pool;

    public PluginCheck()
        : base(
            "plugin check",
            "Hold a backend to the contract: run its promises in an empty pool, which is left empty. Refused while a daemon runs. Exit code 9 when one is broken.\n\nExample: evestorage plugin check scratch --profile ./scratch.json")
        => _pool = Add(Arguments.Pool("An empty pool of the profile."));

    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        Problems problems = new();
        Profile profile = ProfileReader.Read(ProfileSource.Read(invocation.Parsed.GetValue(GlobalOptions.Profile)), problems);
        problems.ThrowIfAny(profile.Name);
        using HeldLock place = await DaemonHost.TakePlaceAsync(profile, "checks a pool", cancellationToken);
        await using StorageEngine engine = StorageEngine.Open(
            profile, PluginCatalog.Load(profile.Plugins), static logging => logging.AddConsoleToError(LogLevel.Critical));
        IReadOnlyList<CheckReport> reports = await engine.CheckAsync(invocation.Parsed.GetValue(_pool), cancellationToken);
        invocation.Answer(reports, output =>
        {
            foreach (CheckReport report in reports)
            {
                string result = report.Kept switch { true => "kept", false => "BROKEN", null => "not claimed" };
                output.WriteLine($"{result,-11}  {report.Promise}{(report.Reason is null ? "" : $": {report.Reason}")}");
            }
        });
        return reports.Any(report => report.Kept == false) ? ExitCodes.Of(StorageErrorKind.Corrupt) : ExitCodes.Success;
    }
}
