using EveStorage.Cli;

namespace EveStorage.Host.Engine;

/// <summary>How a pool was when it was last looked at.</summary>
internal sealed class WatchedPool(PoolName name)
{
    private static readonly int[] s_levels = [80, 90, 95];

    private readonly Dictionary<string, PoolHealth> _drives = [];
    private HashSet<string> _problems = [];
    private PoolHealth? _health;
    private int _space;
    private int _metadata;
    private bool _unreadable;

    /// <summary>Tells what is other than before.</summary>
    internal void Tell(PoolStatus status, IEventSink events)
    {
        _unreadable = false;
        if (_health is null ? status.Health != PoolHealth.Healthy : status.Health != _health)
        {
            string reasons = status.Problems.Count == 0 ? "" : $": {string.Join("; ", status.Problems)}";
            events.Report(new(
                $"pool.{status.Health.ToString().ToLowerInvariant()}", SeverityOf(status.Health), $"{name}", $"is {status.Health.ToString().ToLowerInvariant()}{reasons}"));
        }
        else if (status.Health != PoolHealth.Healthy)
        {
            foreach (string problem in status.Problems.Where(problem => !_problems.Contains(WithoutNumbers(problem))))
            {
                events.Report(new("pool.problem", EventSeverity.Warning, $"{name}", problem));
            }
        }

        _problems = [.. status.Problems.Select(WithoutNumbers)];
        _health = status.Health;
        foreach (DriveStatus drive in status.Drives)
        {
            PoolHealth before = _drives.GetValueOrDefault(drive.Name, PoolHealth.Healthy);
            if (drive.Health != before)
            {
                string state = drive.Path is null ? "missing" : drive.Health.ToString().ToLowerInvariant();
                events.Report(new($"drive.{state}", SeverityOf(drive.Health), $"{name}", $"{drive.Name} is {state}{(drive.Problem is null ? "" : $": {drive.Problem}")}"));
            }

            _drives[drive.Name] = drive.Health;
        }

        _space = TellLevel("pool.space", "holds", new(status.Size, new(status.Size.Bytes - status.Free.Bytes)), _space, events);
        _metadata = status.Metadata is SpaceUse metadata ? TellLevel("pool.metadata", "has metadata of", metadata, _metadata, events) : 0;
    }

    /// <summary>Tells once that it can't be looked at.</summary>
    internal void TellUnreadable(StorageException e, IEventSink events)
    {
        if (!_unreadable)
        {
            _unreadable = true;
            events.Report(new("pool.unreadable", EventSeverity.Critical, $"{name}", e.Message));
        }
    }

    // A pool that fills has another percentage each time, and the same problem.
    private static string WithoutNumbers(string problem) => string.Concat(problem.Where(c => !char.IsAsciiDigit(c) && c != '.'));

    // Told when a level is passed upwards, and again only after it was left.
    private int TellLevel(string id, string what, SpaceUse use, int before, IEventSink events)
    {
        double percent = use.Size.Bytes == 0 ? 0 : 100.0 * use.Used.Bytes / use.Size.Bytes;
        int level = s_levels.LastOrDefault(passed => percent >= passed);
        if (level > before)
        {
            events.Report(new(
                id, level >= s_levels[^1] ? EventSeverity.Critical : EventSeverity.Warning, $"{name}", $"{what} {use.Used.ForPerson()} of {use.Size.ForPerson()}, {level} % and more: add a drive, or delete what is not needed"));
        }

        return level;
    }

    private static EventSeverity SeverityOf(PoolHealth health) => health switch
    {
        PoolHealth.Healthy => EventSeverity.Information,
        PoolHealth.Degraded => EventSeverity.Warning,
        _ => EventSeverity.Critical,
    };
}
