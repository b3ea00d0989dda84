namespace EveStorage.Host.Profiles;

/// <summary>What is wrong with a configuration: all of it, since who mends one line wants to know of the others.</summary>
internal sealed class Problems
{
    private readonly List<string> _lines = [];

    /// <summary>Each begins with the key that it is about.</summary>
    internal IReadOnlyList<string> Lines => _lines;

    /// <summary>Adds that <paramref name="key"/> is wrong.</summary>
    internal void Add(string key, string message) => _lines.Add($"{key}: {message}");

    /// <summary>Refuses a configuration that has problems.</summary>
    /// <exception cref="StorageException">It has; the message lists them.</exception>
    internal void ThrowIfAny(string subject)
    {
        if (_lines.Count > 0)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, subject, string.Join("; ", _lines));
        }
    }
}
