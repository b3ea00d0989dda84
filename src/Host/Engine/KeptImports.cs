using EveStorage.Host.Operations;

namespace EveStorage.Host.Engine;

/// <summary>While the daemon runs: goes on with imports from URLs that were cut short, and removes what was kept long enough. Where nothing is kept, nothing runs.</summary>
internal sealed class KeptImports(OperationRunner runner, TimeProvider time) : DaemonPart
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMinutes(1);

    /// <inheritdoc/>
    private protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(s_interval, time);
        while (await runner.GoOnAsync(cancellationToken) && await timer.WaitForNextTickAsync(cancellationToken))
        {
        }
    }
}
