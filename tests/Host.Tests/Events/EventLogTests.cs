using EveStorage.Cli.Api;
using EveStorage.Host.Events;
using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Tests;

public sealed class EventLogTests
{
    private readonly EventLog _log = new(TimeProvider.System, NullLogger<EventLog>.Instance);

    [Fact]
    public async Task The_last_thousand_are_kept()
    {
        for (int number = 0; number < 1200; number++)
        {
            Report($"{number}");
        }

        List<string> kept = [];
        await foreach (EventReport report in _log.ReadAsync(follow: false, default))
        {
            kept.Add(report.Subject);
        }

        kept.Count.ShouldBe(1000);
        (kept[0], kept[^1]).ShouldBe(("200", "1199"));
    }

    [Fact]
    public async Task Who_follows_gets_those_that_were_and_those_that_come()
    {
        Report("before");
        await using IAsyncEnumerator<EventReport> reports = _log.ReadAsync(follow: true, default).GetAsyncEnumerator();

        (await reports.MoveNextAsync()).ShouldBeTrue();
        reports.Current.Subject.ShouldBe("before");
        ValueTask<bool> next = reports.MoveNextAsync();
        next.IsCompleted.ShouldBeFalse();
        Report("after");

        (await next.AsTask().WaitAsync(TimeSpan.FromSeconds(30))).ShouldBeTrue();
        reports.Current.Subject.ShouldBe("after");
    }

    [Fact]
    public async Task Who_stops_following_is_forgotten()
    {
        using CancellationTokenSource stop = new();
        Task follow = FollowAsync(stop.Token);
        await stop.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => follow);
        Report("nobody hears it");
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        await foreach (EventReport report in _log.ReadAsync(follow: true, cancellationToken))
        {
        }
    }

    private void Report(string subject) => _log.Report(new("test", EventSeverity.Information, subject, "happened"));
}
