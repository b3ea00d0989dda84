using EveStorage.NvmeOf;
using EveStorage.NvmetUser;

namespace EveStorage.Tests;

public sealed class RateLimitTests
{
    private readonly ManualTime _time = new();

    [Theory]
    [InlineData(100L, null, 512)]
    [InlineData(null, 1L << 20, 4096)]
    [InlineData(1_000_000L, 1L << 20, 128 << 10)]
    [InlineData(7L, 64L << 20, 4096)]
    public void Over_ten_seconds_no_more_is_done_than_the_limit_and_little_less(long? iops, long? bandwidth, int size)
    {
        RateLimit limit = RateLimit.Of(new() { Iops = iops, Bandwidth = bandwidth is long b ? new ByteSize(b) : null }, _time)!;
        double allowed = Math.Min(iops ?? double.MaxValue, (bandwidth ?? double.MaxValue) / size) * 10;
        int done = 0;
        TimeSpan passed = TimeSpan.Zero;

        while (passed < TimeSpan.FromSeconds(10))
        {
            if (limit.Take(size) is TimeSpan wait)
            {
                wait.ShouldBeGreaterThan(TimeSpan.Zero);
                _time.Advance(wait + TimeSpan.FromMicroseconds(1));
                passed += wait + TimeSpan.FromMicroseconds(1);
            }
            else
            {
                done++;
            }
        }

        done.ShouldBeInRange((int)(allowed * 0.95) - 1, (int)(allowed * 1.02) + 2);
    }

    [Fact]
    public void Time_without_commands_is_not_saved_up()
    {
        RateLimit limit = RateLimit.Of(new() { Iops = 100 }, _time)!;
        _time.Advance(TimeSpan.FromHours(1));

        int atOnce = 0;
        while (limit.Take(512) is null)
        {
            atOnce++;
        }

        atOnce.ShouldBe(10);
    }

    [Fact]
    public void Without_a_limit_there_is_none()
    {
        RateLimit.Of(null, _time).ShouldBeNull();
        RateLimit.Of(new(), _time).ShouldBeNull();
    }

    [Fact]
    public async Task Commands_beyond_the_limit_wait_for_the_clock_and_those_of_another_export_do_not()
    {
        await using TestTarget target = new(time: _time);
        await target.ExportAsync(TestTarget.Spec() with { Limits = new() { Iops = 20 } }, new MemoryBlocks(1 << 20));
        await target.ExportAsync(TestTarget.Spec(2), new MemoryBlocks(1 << 20));
        await using NvmeTcpInitiator initiator = await target.ConnectAsync(o => o with { KeepAlive = TimeSpan.Zero });

        Task[] commands =
        [
            .. Enumerable.Range(0, 4).Select(_ => initiator.ReadAsync(1, 0, new byte[4096], CancellationToken.None).AsTask()),
            .. Enumerable.Range(0, 2).Select(_ => initiator.WriteAsync(1, 0, new byte[4096], WriteDurability.Cached, CancellationToken.None).AsTask()),
            .. Enumerable.Range(0, 2).Select(_ => initiator.WriteAsync(1, 0, new byte[65536], WriteDurability.Cached, CancellationToken.None).AsTask()),
        ];
        await initiator.ReadAsync(2, 0, new byte[4096], CancellationToken.None);
        await TestTarget.UntilAsync(() => commands.Count(c => c.IsCompleted) == 2, "a tenth of a second allows 2");
        await Task.Delay(300);
        commands.Count(c => c.IsCompleted).ShouldBe(2);
        for (int done = 3; done <= commands.Length; done++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(51));
            await TestTarget.UntilAsync(() => commands.Count(c => c.IsCompleted) == done, $"{done} are due");
        }

        await Task.WhenAll(commands);
    }
}
