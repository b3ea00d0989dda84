using EveStorage.Lvm;

namespace EveStorage.Tests;

public class PoolWarningsTests : IEventSink
{
    private static readonly PoolName s_pool = new("data");

    private readonly List<StorageEvent> _events = [];
    private readonly PoolWarnings _warnings;

    public PoolWarningsTests() => _warnings = new(this, [80, 90, 95]);

    void IEventSink.Report(StorageEvent storageEvent) => _events.Add(storageEvent);

    [Fact]
    public void Each_level_is_told_once_and_the_last_one_is_critical()
    {
        foreach (long percent in (long[])[79, 80, 85, 91, 92, 96, 97])
        {
            _warnings.Look(s_pool, Full(data: percent, metadata: 1));
        }

        _events.Select(e => (e.Id, e.Severity)).ShouldBe(
        [
            ("pool.data-filling", EventSeverity.Warning), ("pool.data-filling", EventSeverity.Warning), ("pool.data-filling", EventSeverity.Critical),
        ]);
    }

    [Fact]
    public void A_pool_that_was_emptied_is_told_of_again()
    {
        foreach (long percent in (long[])[85, 10, 85])
        {
            _warnings.Look(s_pool, Full(data: 1, metadata: percent));
        }

        _events.Select(e => e.Id).ShouldBe(["pool.metadata-filling", "pool.metadata-filling"]);
    }

    [Fact]
    public void A_drive_that_fails_is_told_once_and_so_is_that_it_is_back()
    {
        foreach (PoolHealth health in (PoolHealth[])[PoolHealth.Healthy, PoolHealth.Failed, PoolHealth.Failed, PoolHealth.Healthy])
        {
            DriveStatus drive = new() { Name = "wwn", Path = null, Health = health, Problem = "is missing" };
            _warnings.Look(s_pool, Full(1, 1) with { Drives = [drive] });
        }

        _events.Select(e => e.Id).ShouldBe(["pool.drive-failed", "pool.drive-recovered"]);
    }

    private static PoolStatus Full(long data, long metadata) => new()
    {
        Health = PoolHealth.Healthy,
        Size = new(100),
        Used = new(data),
        Free = new(100 - data),
        Provisioned = new(200),
        Metadata = new(new(100), new(metadata)),
    };
}
