using EveStorage.Cli.Api;

namespace EveStorage.Cli.Verbs;

internal sealed class MetricsVerb() : CliVerb(
    "metrics",
    "Print measurements of pools, volumes, file systems, exports and events, as Prometheus reads them. The daemon answers the same at /metrics on its socket.")
{
    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        string text = await (await invocation.OpenAsync(cancellationToken)).GetMetricsAsync(cancellationToken);
        invocation.Answer(new MetricsDocument(text), output => output.Write(text));
        return ExitCodes.Success;
    }
}
