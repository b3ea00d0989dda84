namespace EveStorage.Tests;

/// <summary>A clock by which waiting takes no time.</summary>
internal sealed class Hurried : TimeProvider
{
    private long _now;

    public override long TimestampFrequency => 1;

    public override long GetTimestamp() => Interlocked.Increment(ref _now);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        => System.CreateTimer(callback, state, TimeSpan.Zero, period);
}
