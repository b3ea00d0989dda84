using EveStorage.Host.Worker;

namespace EveStorage.Tests;

/// <summary>An image that comes as a stream, whose reader may be left behind when a copy fails.</summary>
public sealed class StreamSourceTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Nothing_is_taken_from_under_one_who_reads()
    {
        using WaitingStream stream = new();
        StreamSource source = new(stream, "disk.img");
        Task<int> reading = Task.Run(() => source.Read(0, new byte[1], default), TestContext.Current.CancellationToken);
        stream.Entered.Wait(s_limit, TestContext.Current.CancellationToken).ShouldBeTrue();

        await source.DisposeAsync();

        stream.IsDisposed.ShouldBeFalse();
        stream.Release.Set();
        (await reading).ShouldBe(1);
    }

    [Fact]
    public async Task What_nobody_reads_goes_with_it()
    {
        using WaitingStream stream = new();
        stream.Release.Set();
        StreamSource source = new(stream, "disk.img");
        source.Read(0, new byte[1], default).ShouldBe(1);

        await source.DisposeAsync();

        stream.IsDisposed.ShouldBeTrue();
    }

    /// <summary>One whose reads wait, as a pipe's do, or take their time, as what unwraps does.</summary>
    private sealed class WaitingStream : MemoryStream
    {
        internal WaitingStream()
            : base([1])
        {
        }

        internal ManualResetEventSlim Entered { get; } = new();

        internal ManualResetEventSlim Release { get; } = new();

        internal bool IsDisposed { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            Entered.Set();
            Release.Wait(s_limit);
            return base.Read(buffer);
        }

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }
    }
}
