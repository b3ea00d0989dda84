using EveStorage.Host.Composition;
using EveStorage.Host.Engine;

namespace EveStorage.Host.FrontEnds;

/// <summary>
/// Starts the profile's front ends with the daemon, once what they lie on is mounted, and ends them with it. One that can't be started is
/// told once, and tried again: what it needs may come, such as a file system in a pool that is still locked.
/// </summary>
internal sealed class FrontEndStart(StorageParts parts, IEventSink events, TimeProvider time) : DaemonPart
{
    /// <summary>How often one that could not be started is tried again.</summary>
    internal static TimeSpan Interval { get; } = TimeSpan.FromSeconds(15);

    private readonly List<(string Name, IFrontEnd Front)> _started = [];

    /// <inheritdoc/>
    private protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        List<string> waiting = [.. parts.FrontEndNames];
        Dictionary<string, string> told = [];
        using PeriodicTimer timer = new(Interval, time);
        try
        {
            do
            {
                foreach (string name in waiting.ToArray())
                {
                    if (await TryStartAsync(name, told, cancellationToken))
                    {
                        waiting.Remove(name);
                    }
                }
            }
            while (waiting.Count > 0 && await timer.WaitForNextTickAsync(cancellationToken));
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        }
        finally
        {
            foreach ((string name, IFrontEnd front) in _started)
            {
                await EndAsync(name, front);
            }
        }
    }

    private async Task<bool> TryStartAsync(string name, Dictionary<string, string> told, CancellationToken cancellationToken)
    {
        IFrontEnd? front = null;
        try
        {
            front = parts.MakeFrontEnd(name);
            IReadOnlyList<string> missing = await front.ProbeAsync(cancellationToken);
            if (missing.Count > 0)
            {
                throw new StorageException(StorageErrorKind.Unavailable, name, string.Join("; ", missing));
            }

            await front.StartAsync(cancellationToken);
            _started.Add((name, front));
            return true;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            await EndAsync(name, front);
            cancellationToken.ThrowIfCancellationRequested();
            if (told.GetValueOrDefault(name) != e.Message)
            {
                told[name] = e.Message;
                events.Report(new("front.not-started", EventSeverity.Critical, name, e.Message));
            }

            return false;
        }
    }

    // One that can't end keeps no other from ending.
    private async Task EndAsync(string name, IFrontEnd? front)
    {
        try
        {
            await (front?.DisposeAsync() ?? ValueTask.CompletedTask);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            events.Report(new("front.not-ended", EventSeverity.Warning, name, e.Message));
        }
    }
}
