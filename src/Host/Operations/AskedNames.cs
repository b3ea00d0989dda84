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

    /// <summary>An error by the names that were asked for, whether it is of doing or of undoing.</summary>
    internal static ErrorReport? InWordsOf(ChangeRequest request, Guid operation, ErrorReport? error)
    {
        return error is null || request is not ImportImage import ? error : error with { Subject = Asked(error.Subject), Message = Asked(error.Message) };

        string Asked(string text) => text.Replace(Temporary(operation), $"{import.Volume}", StringComparison.Ordinal);
    }

    private static StorageException InWordsOf(ChangeRequest request, Guid operation, StorageException failure)
    {
        ErrorReport told = InWordsOf(request, operation, ErrorReport.Of(failure))!;
        return new(told.Kind, told.Subject, told.Message, failure);
    }

    private static bool Mentions(ChangeRequest request, Guid operation, StorageException failure)
        => request is ImportImage && failure.Message.Contains(Temporary(operation), StringComparison.Ordinal);

    private static string Temporary(Guid operation) => $"{VolumeName.ForOperation(operation)}";
}
