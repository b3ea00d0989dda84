using Microsoft.Extensions.Hosting;

namespace EveStorage.Host.Daemon;

/// <summary>
/// Gives back what a start, answers and operations have used, once they are over. The runtime keeps it for what comes next, and on a small machine
/// the daemon mostly waits. It is done once after each time of work, so that who asks for nothing costs nothing.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="allocated">All bytes that were ever taken.</param>
/// <param name="collect">Gives back what is not used.</param>
internal sealed class MemoryAtRest(TimeProvider time, Func<long> allocated, Action collect) : BackgroundService
{
    /// <summary>How often it looks: at one number.</summary>
    internal static TimeSpan Interval { get; } = TimeSpan.FromSeconds(15);

    private const long Work = 4 << 20;
    private const long Rest = 1 << 20;   // what the watches over pools and a heartbeat take in that time

    private long _collected;
    private long _last;

    /// <summary>That of this process.</summary>
    internal static MemoryAtRest OfProcess(TimeProvider time)
        => new(time, () => GC.GetTotalAllocatedBytes(), static () => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true));

    /// <summary>Looks once.</summary>
    internal void Look()
    {
        long now = allocated();
        bool rests = now - _last < Rest;
        _last = now;
        if (rests && now - _collected >= Work)
        {
            _collected = now;
            collect();
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            Look();
        }
    }
}
