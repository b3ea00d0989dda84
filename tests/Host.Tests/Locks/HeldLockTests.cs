using EveStorage.Host.Locks;
using EveStorage.Testing;

namespace EveStorage.Tests;

public sealed class HeldLockTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Who_waits_in_vain_is_told_who_holds_it()
    {
        using HeldLock held = HeldLock.TryTake(_directory["x.lock"], HeldLock.Holder("operation 7"))!;

        StorageException e = await Should.ThrowAsync<StorageException>(() => HeldLock.TakeAsync(
            _directory["x.lock"], "data/vm1", "me", TimeSpan.FromMilliseconds(100), TimeProvider.System, default));

        e.Kind.ShouldBe(StorageErrorKind.Busy);
        e.Message.ShouldBe($"data/vm1: is in use by pid {Environment.ProcessId}: evestorage, operation 7: try again when that is done");
    }

    [Fact]
    public async Task Who_waits_gets_it_when_it_is_given_back()
    {
        HeldLock held = HeldLock.TryTake(_directory["x.lock"], "first")!;
        Task<HeldLock> waiting = HeldLock.TakeAsync(_directory["x.lock"], "x", "second", TimeSpan.FromSeconds(30), TimeProvider.System, default);
        waiting.IsCompleted.ShouldBeFalse();

        held.Dispose();

        using HeldLock second = await waiting;
        HeldLock.TryTake(_directory["x.lock"], "third").ShouldBeNull();
    }

    [Fact]
    public void What_can_not_be_locked_is_no_lock_that_somebody_holds()
        => Should.Throw<StorageException>(() => HeldLock.TryTake("/proc/evestorage.lock", "me"));

    public void Dispose() => _directory.Dispose();
}
