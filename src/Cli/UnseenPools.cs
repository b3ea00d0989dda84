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
        ErrorReport[] errors = [.. pools.Select(pool => pool.Error).OfType<ErrorReport>()];
        foreach (ErrorReport error in errors)
        {
            invocation.Tell(error);
        }

        return errors.Length == 0 ? ExitCodes.Success : ExitCodes.Of(errors[0].Kind);
    }

    /// <summary>What to add where something is in none of the pools that can be looked into; empty where that is all of them.</summary>
    internal static async Task<string> SaidAsync(IStorageApi api, CancellationToken cancellationToken)
    {
        ErrorReport[] errors = [.. (await api.ListPoolsAsync(cancellationToken)).Select(pool => pool.Error).OfType<ErrorReport>()];
        return errors.Length == 0 ? "" : $"; not looked into: {string.Join("; ", errors.Select(error => $"{error.Subject} {error.Message}"))}";
    }
}
