using EveStorage.Cli.Api;

namespace EveStorage.Cli;

/// <summary>The pools that nobody can look into now. What they hold is in no list, and a list that keeps silent about that is taken for whole.</summary>
internal static class UnseenPools
{
    /// <summary>Tells of each, after a list of what is in all pools.</summary>
    /// <returns>The exit code.</returns>
    internal static async Task<int> TellAsync(Invocation invocation, IStorageApi api, CancellationToken cancellationToken)
        => Tell(invocation, await api.ListPoolsAsync(cancellationToken));

    /// <inheritdoc cref="TellAsync"/>
    internal static int Tell(Invocation invocation, IEnumerable<PoolReport> pools)
    {
        PoolReport[] unseen = [.. pools.Where(pool => pool.Error is not null)];
        foreach (PoolReport pool in unseen)
        {
            invocation.Tell(pool.Error!);
        }

        return CodeOf(unseen);
    }

    /// <summary>The exit code of a list that lacks what is in some pools. Of one that a person locked, or that somebody is changing, nothing has failed.</summary>
    internal static int CodeOf(IEnumerable<PoolReport> unseen)
        => unseen.FirstOrDefault(pool => !pool.Locked && pool.Error!.Kind != StorageErrorKind.Busy) is { Error: ErrorReport error } ? ExitCodes.Of(error.Kind) : ExitCodes.Success;

    /// <summary>Holds whoever left out a pool to those that can be looked into being all: what is in another could be meant.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.InvalidConfiguration"/>: they are not.</exception>
    internal static async Task RequireNoneAsync(VolumeAddress address, PoolName seen, IStorageApi api, CancellationToken cancellationToken)
    {
        if ((await api.ListPoolsAsync(cancellationToken)).FirstOrDefault(pool => pool.Error is not null) is PoolReport unseen)
        {
            throw new StorageException(
                StorageErrorKind.InvalidConfiguration, $"{address}", $"could be in {unseen.Name}, too, which can't be looked into ({unseen.Error!.Message}): write {seen}/{address} if that one is meant");
        }
    }

    /// <summary>What to add where something is in none of the pools that can be looked into; empty where that is all of them.</summary>
    internal static async Task<string> SaidAsync(IStorageApi api, CancellationToken cancellationToken)
    {
        ErrorReport[] errors = [.. (await api.ListPoolsAsync(cancellationToken)).Select(pool => pool.Error).OfType<ErrorReport>()];
        return errors.Length == 0 ? "" : $"; not looked into: {string.Join("; ", errors.Select(error => $"{error.Subject} {error.Message}"))}";
    }
}
