using EveStorage.Cli.Api;

namespace EveStorage.Host.Operations;

/// <summary>An import makes its volume under another name, until it is whole. Whoever asked for it typed neither that name nor any of its parts.</summary>
internal static class AskedNames
{
    /// <summary>Does a part of an operation, whose failures are told by the names that were asked for.</summary>
    /// <exception cref="StorageException">It failed.</exception>
    internal static async Task<T> KeepAsync<T>(ChangeRequest request, Guid operation, Func<Task<T>> part)
    {
        try
        {
            return await part();
        }
        catch (StorageException e) when (Mentions(request, operation, e))
        {
            throw InWordsOf(request, operation, e);
        }
    }

    /// <summary>A failure by the names that were asked for.</summary>
    internal static StorageException InWordsOf(ChangeRequest request, Guid operation, StorageException failure)
    {
        if (!Mentions(request, operation, failure))
        {
            return failure;
        }

        ErrorReport told = ErrorReport.Of(failure);
        string name = $"{((ImportImage)request).Volume}";
        return new(told.Kind, Asked(told.Subject), Asked(told.Message), failure);

        string Asked(string text) => text.Replace(Temporary(operation), name, StringComparison.Ordinal);
    }

    private static bool Mentions(ChangeRequest request, Guid operation, StorageException failure)
        => request is ImportImage && failure.Message.Contains(Temporary(operation), StringComparison.Ordinal);

    private static string Temporary(Guid operation) => $"{VolumeName.ForOperation(operation)}";
}
