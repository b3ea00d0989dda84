using EveStorage.Linux;

namespace EveStorage.Tests;

public sealed class WaitingCallTests
{
    [Fact]
    public async Task A_call_that_does_not_end_is_left_to_its_own_thread_and_can_be_waited_for_again()
    {
        using ManualResetEventSlim others = new();
        WaitingCall call = WaitingCall.Start(others.Wait);

        (await call.EndsAsync(TimeSpan.FromMilliseconds(20), default)).ShouldBeFalse();
        others.Set();
        (await call.EndsAsync(TimeSpan.FromMinutes(1), default)).ShouldBeTrue();
    }

    [Fact]
    public async Task What_a_call_throws_is_thrown_to_who_waits()
    {
        WaitingCall call = WaitingCall.Start(() => throw new StorageException(StorageErrorKind.Busy, "device", "is in use"));

        (await Should.ThrowAsync<StorageException>(() => call.EndsAsync(TimeSpan.FromMinutes(1), default))).Kind.ShouldBe(StorageErrorKind.Busy);
    }

    [Fact]
    public async Task Who_waits_may_give_up()
    {
        using ManualResetEventSlim others = new();
        using CancellationTokenSource impatient = new();
        Task<bool> ends = WaitingCall.Start(others.Wait).EndsAsync(TimeSpan.FromMinutes(1), impatient.Token);

        await impatient.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => ends);
        others.Set();
    }
}
