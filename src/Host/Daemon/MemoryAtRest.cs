using EveStorage.Linux;
using Microsoft.Extensions.Hosting;

namespace EveStorage.Host.Daemon;

/// <summary>
/// Gives back what a start, answers and operations have used, once they are over, of libraries, too. The runtime keeps it for what comes next, and on
/// a small machine the daemon mostly waits. It is done once after each time of work, so that who asks for nothing costs nothing. Every thread stops for it: so never
/// while guests' reads and writes go through this process, which take hardly any memory, but its processor.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="allocated">All bytes that were ever taken.</param>
/// <param name="used">All time of a processor that was ever taken.</param>
/// <param name="held">All bytes that it has now, libraries among them.</param>
/// <param name="collect">Gives back what is not used.</param>
internal sealed class MemoryAtRest(TimeProvider time, Func<long> allocated, Func<TimeSpan> used, Func<long> held, Action collect) : BackgroundService
{
    /// <summary>How often it looks: at three numbers.</summary>
    internal static TimeSpan Interval { get; } = TimeSpan.FromSeconds(15);

    private const long Work = 4 << 20;

    // What the watches over pools and a heartbeat take in an interval.
    private const long Rest = 1 << 20;
    private static readonly TimeSpan s_rest = Interval / 50;

    // Answers that take little memory of their own touch many libraries. What comes back without work is the watches', and would come back again.
    private static readonly TimeSpan s_work = Interval / 150;

    private long _collected;
    private TimeSpan _collectedUsed;
    private long _left;   // at first nothing: a start touches libraries, however little memory it takes
    private long _last;
    private TimeSpan _lastUsed;

    /// <summary>That of this process.</summary>
    internal static MemoryAtRest OfProcess(TimeProvider time)
        => new(time, static () => GC.GetTotalAllocatedBytes(), static () => Environment.CpuUsage.TotalTime, static () => Environment.WorkingSet, GiveBack);

    private static void GiveBack()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        try
        {
            MappedFiles.LetGo();
        }
        catch (StorageException)
        {
            // It stays, and the kernel takes it when it has to.
        }
    }

    /// <summary>Looks once.</summary>
    internal void Look()
    {
        long now = allocated();
        TimeSpan nowUsed = used();
        bool rests = now - _last < Rest && nowUsed - _lastUsed < s_rest;
        (_last, _lastUsed) = (now, nowUsed);
        if (rests && (now - _collected >= Work || (nowUsed - _collectedUsed >= s_work && held() - _left >= Work)))
        {
            collect();
            (_collected, _collectedUsed, _left) = (now, used(), held());
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
