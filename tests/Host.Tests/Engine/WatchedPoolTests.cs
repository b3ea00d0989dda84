using EveStorage.Host.Engine;

namespace EveStorage.Tests;

public sealed class WatchedPoolTests
{
    private readonly Told _told = new();
    private readonly WatchedPool _pool = new(new("data"));

    [Fact]
    public void A_pool_that_is_well_from_the_start_is_not_told_of()
    {
        _pool.Tell(Status(used: 10), _told);

        _told.Events.ShouldBeEmpty();
    }

    [Fact]
    public void A_drive_that_goes_missing_is_told_once_and_so_is_its_return()
    {
        _pool.Tell(Status(used: 10, Drive("S1", "/dev/sda", PoolHealth.Healthy)), _told);
        _pool.Tell(Status(used: 10, Drive("S1", null, PoolHealth.Failed)) with { Health = PoolHealth.Degraded, Problems = ["one copy is lost"] }, _told);
        _pool.Tell(Status(used: 10, Drive("S1", null, PoolHealth.Failed)) with { Health = PoolHealth.Degraded }, _told);
        _pool.Tell(Status(used: 10, Drive("S1", "/dev/sda", PoolHealth.Healthy)), _told);

        _told.Events.Select(told => told.Id).ShouldBe(["pool.degraded", "drive.missing", "pool.healthy", "drive.healthy"]);
        _told.Events[0].Message.ShouldBe("is degraded: one copy is lost");
    }

    [Fact]
    public void Each_level_is_told_when_it_is_passed_and_again_only_after_it_was_left()
    {
        foreach (int used in new[] { 79, 80, 85, 91, 96, 99, 50, 81 })
        {
            _pool.Tell(Status(used), _told);
        }

        _told.Events.Select(told => (told.Id, told.Severity)).ShouldBe(
            [
                ("pool.space", EventSeverity.Warning), ("pool.space", EventSeverity.Warning), ("pool.space", EventSeverity.Critical),
                ("pool.space", EventSeverity.Warning),
            ]);
    }

    [Fact]
    public void Metadata_that_fills_is_told_by_itself()
    {
        _pool.Tell(Status(used: 1) with { Metadata = new(new(100), new(95)) }, _told);

        StorageEvent only = _told.Events.ShouldHaveSingleItem();
        only.Id.ShouldBe("pool.metadata");
        only.Severity.ShouldBe(EventSeverity.Critical);
    }

    [Fact]
    public void A_pool_that_cannot_be_looked_at_is_told_once()
    {
        StorageException gone = new(StorageErrorKind.Io, "data", "the drive is gone");
        _pool.TellUnreadable(gone, _told);
        _pool.TellUnreadable(gone, _told);

        _told.Events.ShouldHaveSingleItem().Id.ShouldBe("pool.unreadable");
    }

    private static PoolStatus Status(int used, params DriveStatus[] drives)
        => new() { Health = PoolHealth.Healthy, Size = new(100), Used = new(used), Free = new(100 - used), Drives = drives };

    private static DriveStatus Drive(string name, string? path, PoolHealth health) => new() { Name = name, Path = path, Health = health };

    private sealed class Told : IEventSink
    {
        internal List<StorageEvent> Events { get; } = [];

        public void Report(StorageEvent storageEvent) => Events.Add(storageEvent);
    }
}
