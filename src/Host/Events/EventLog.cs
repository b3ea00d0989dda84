using System.Runtime.CompilerServices;
using System.Threading.Channels;
using EveStorage.Cli.Api;
using Microsoft.Extensions.Logging;

namespace EveStorage.Host.Events;

/// <summary>Keeps the last events, logs each, and tells those who follow. Reporting never waits: a follower that is too slow loses the oldest.</summary>
internal sealed partial class EventLog(TimeProvider time, ILogger<EventLog> logger) : IEventSink
{
    private const int Kept = 1000;

    private readonly Queue<EventReport> _kept = new();
    private readonly Dictionary<(string Id, EventSeverity Severity), long> _counts = [];
    private readonly List<Channel<EventReport>> _followers = [];
    private readonly Lock _lock = new();

    /// <summary>How many there were of each kind since the start, those that are not kept any more too.</summary>
    internal IReadOnlyDictionary<(string Id, EventSeverity Severity), long> Counts
    {
        get
        {
            lock (_lock)
            {
                return _counts.ToDictionary();
            }
        }
    }

    /// <inheritdoc/>
    public void Report(StorageEvent storageEvent)
    {
        EventReport report = new(time.GetUtcNow(), storageEvent.Id, storageEvent.Severity, storageEvent.Subject, storageEvent.Message);
        LogLevel level = LevelOf(storageEvent.Severity);
        LogEvent(level, storageEvent.Id, storageEvent.Subject, storageEvent.Message);
        lock (_lock)
        {
            _counts[(report.Id, report.Severity)] = _counts.GetValueOrDefault((report.Id, report.Severity)) + 1;
            _kept.Enqueue(report);
            if (_kept.Count > Kept)
            {
                _kept.Dequeue();
            }

            _followers.ForEach(follower => follower.Writer.TryWrite(report));
        }
    }

    /// <summary>The events kept, oldest first, and then each new one when <paramref name="follow"/>.</summary>
    internal async IAsyncEnumerable<EventReport> ReadAsync(bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Channel<EventReport> channel = Channel.CreateBounded<EventReport>(new BoundedChannelOptions(Kept) { FullMode = BoundedChannelFullMode.DropOldest });
        EventReport[] kept;
        lock (_lock)
        {
            kept = [.. _kept];
            _followers.Add(channel);
        }

        try
        {
            foreach (EventReport report in kept)
            {
                yield return report;
            }

            while (follow)
            {
                yield return await channel.Reader.ReadAsync(cancellationToken);
            }
        }
        finally
        {
            lock (_lock)
            {
                _followers.Remove(channel);
            }
        }
    }

    private static LogLevel LevelOf(EventSeverity severity) => severity switch
    {
        EventSeverity.Information => LogLevel.Information,
        EventSeverity.Warning => LogLevel.Warning,
        _ => LogLevel.Error,
    };

    [LoggerMessage(EventId = 200, EventName = "event", Message = "{Id}: {Subject}: {Message}")]
    private partial void LogEvent(LogLevel level, string id, string subject, string message);
}
