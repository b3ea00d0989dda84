namespace EveStorage.NvmetUser;

/// <summary>
/// The most an export may do in a second: a bucket of commands and one of bytes, each of a tenth of a second. A command takes
/// what it costs, be that more than there is, and the next ones wait until the debt is paid. So the rate holds on average, and
/// one command larger than the bucket gets through. Safe from any thread.
/// </summary>
internal sealed class RateLimit(ExportLimits limits, TimeProvider time)
{
    private const double BurstSeconds = 0.1;

    private readonly Lock _gate = new();
    private readonly Bucket _commands = new(limits.Iops);
    private readonly Bucket _bytes = new(limits.Bandwidth?.Bytes);
    private long _last = time.GetTimestamp();

    /// <summary>The limit for an export; null where it has none.</summary>
    internal static RateLimit? Of(ExportLimits? limits, TimeProvider time)
        => limits is { Iops: null, Bandwidth: null } or null ? null : new(limits, time);

    /// <summary>Takes what a command costs; else tells how long it has to wait before it asks again.</summary>
    internal TimeSpan? Take(long bytes)
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            double seconds = time.GetElapsedTime(_last, now).TotalSeconds;
            _last = now;
            _commands.Fill(seconds);
            _bytes.Fill(seconds);
            double wait = Math.Max(_commands.SecondsToWait, _bytes.SecondsToWait);
            if (wait > 0)
            {
                return TimeSpan.FromSeconds(wait);
            }

            _commands.Take(1);
            _bytes.Take(bytes);
            return null;
        }
    }

    private sealed class Bucket(long? perSecond)
    {
        private double _level = (perSecond ?? 0) * BurstSeconds;

        /// <summary>How long until there is one in it.</summary>
        internal double SecondsToWait => perSecond is long rate && _level < 1 ? (1 - _level) / rate : 0;

        internal void Fill(double seconds)
        {
            if (perSecond is long rate)
            {
                _level = Math.Min(_level + (rate * seconds), Math.Max(rate * BurstSeconds, 1));
            }
        }

        internal void Take(long cost) => _level -= perSecond is null ? 0 : cost;
    }
}
