using System.CommandLine;
using EveStorage.Cli.Api;

namespace EveStorage.Cli;

/// <summary>Operations as a person names them: by the first letters of an id.</summary>
internal static class OperationIds
{
    /// <summary>The argument.</summary>
    internal static Argument<string> Argument() => new("id") { Description = "The operation, as `operation list` has it; the beginning of its id is enough.", HelpName = "ID" };

    /// <summary>The operation whose id begins so.</summary>
    /// <exception cref="StorageException">There is none, or there are several.</exception>
    internal static async Task<OperationReport> FindAsync(string text, IStorageApi api, CancellationToken cancellationToken)
    {
        if (Guid.TryParse(text, out Guid id))
        {
            return await api.GetOperationAsync(id, cancellationToken);
        }

        OperationReport[] found =
            [.. (await api.ListOperationsAsync(cancellationToken)).Where(operation => operation.Id.ToString("D").StartsWith(text, StringComparison.OrdinalIgnoreCase))];
        return found switch
        {
            [OperationReport only] => only,
            [] => throw new StorageException(StorageErrorKind.NotFound, text, "is no operation here: see `evestorage operation list`"),
            _ => throw new StorageException(StorageErrorKind.InvalidConfiguration, text, $"is the beginning of {found.Length} ids: write more of it"),
        };
    }
}
