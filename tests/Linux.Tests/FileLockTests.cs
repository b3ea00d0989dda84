using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

public sealed class FileLockTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public void A_lock_is_exclusive_in_one_process_too_and_names_its_holder()
    {
        string path = _directory["lock"];
        using (FileLock? first = FileLock.TryAcquire(path, "import data/vm42"))
        {
            first.ShouldNotBeNull();
            FileLock.TryAcquire(path, "another").ShouldBeNull();
            FileLock.HolderOf(path).ShouldBe($"pid {Environment.ProcessId}: import data/vm42");
        }

        using FileLock? again = FileLock.TryAcquire(path, "another");
        again.ShouldNotBeNull();
    }

    [Fact]
    public async Task Waiting_for_a_lock_ends_and_says_who_has_it()
    {
        using FileLock? held = FileLock.TryAcquire(_directory["lock"], "import data/vm42");

        StorageException e = await Should.ThrowAsync<StorageException>(
            async () => await FileLock.AcquireAsync(_directory["lock"], "x", TimeSpan.FromMilliseconds(50), TimeProvider.System, default));

        e.Kind.ShouldBe(StorageErrorKind.Busy);
        e.Message.ShouldContain("import data/vm42");
    }

    [Fact]
    public async Task A_lock_that_is_given_back_is_taken_by_who_waits()
    {
        FileLock held = FileLock.TryAcquire(_directory["lock"], "first")!;
        Task<FileLock> waiting = FileLock.AcquireAsync(_directory["lock"], "second", TimeSpan.FromSeconds(10), TimeProvider.System, default).AsTask();
        waiting.IsCompleted.ShouldBeFalse();

        held.Dispose();

        using FileLock taken = await waiting;
        FileLock.HolderOf(_directory["lock"]).ShouldEndWith("second");
    }

    [Fact]
    public void A_lock_is_taken_and_given_back_though_the_disk_has_no_room_for_its_holders_name()
    {
        using (FileLock? held = FileLock.TryAcquire("/dev/full", "deletes something"))
        {
            held.ShouldNotBeNull();
            FileLock.TryAcquire("/dev/full", "another").ShouldBeNull();
        }

        using FileLock? again = FileLock.TryAcquire("/dev/full", "deletes something");
        again.ShouldNotBeNull();
    }

    [Fact]
    public void A_short_name_of_a_holder_leaves_nothing_of_a_long_one()
    {
        FileLock.TryAcquire(_directory["lock"], new string('x', 500))!.Dispose();
        using FileLock? held = FileLock.TryAcquire(_directory["lock"], "short");

        FileLock.HolderOf(_directory["lock"]).ShouldBe($"pid {Environment.ProcessId}: short");
    }

    [Fact]
    public void A_lock_ends_with_the_process_that_holds_it()
    {
        string path = _directory["lock"];
        using (FileLock? made = FileLock.TryAcquire(path, "test"))
        {
            made.ShouldNotBeNull();
        }

        // A descriptor of an opening keeps its locks: the child gets one of them and is killed.
        BlockFile file = BlockFile.Open(path, writable: true);
        file.TryLock(0, exclusive: true).ShouldBeTrue();
        using ChildProcess child = ChildProcess.Start("/bin/sleep", ["600"], new Dictionary<string, string>(), [file.Handle]);
        file.Dispose();
        FileLock.TryAcquire(path, "test").ShouldBeNull();

        child.Kill();
        child.Wait();

        using FileLock? free = FileLock.TryAcquire(path, "test");
        free.ShouldNotBeNull();
    }

    public void Dispose() => _directory.Dispose();
}
