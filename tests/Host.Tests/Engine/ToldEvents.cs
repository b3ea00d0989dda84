using EveStorage.Cli.Api;

namespace EveStorage.Tests;

/// <summary>What a host has told.</summary>
internal static class ToldEvents
{
    /// <summary>What it told until now, or as it comes, but not how full this machine's own disk is, which pools of files lie on.</summary>
    internal static IAsyncEnumerable<EventReport> ToldAsync(this IStorageApi api, bool follow = false, CancellationToken cancellationToken = default)
        => api.WatchEventsAsync(follow, cancellationToken).Where(told => told.Id != "pool.space");
}
