using EveStorage.Cli.Api;

namespace EveStorage.Cli;

/// <summary>A host as <c>export add</c> takes it: <c>NQN[,key=NAME[,controller-key=NAME]]</c>. An NQN of ours may hold no comma.</summary>
internal sealed record HostOption(string Nqn, string? Key, string? ControllerKey)
{
    /// <summary>Reads it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.InvalidConfiguration"/>: it is none.</exception>
    internal static HostOption Parse(string text)
    {
        string[] parts = text.Split(',');
        try
        {
            _ = new HostNqn(parts[0]);
        }
        catch (ArgumentException e)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, "--host", ErrorReport.ReasonOf(e), e);
        }

        HostOption host = new(parts[0], null, null);
        foreach (string part in parts.Skip(1))
        {
            host = part.Split('=', 2) switch
            {
                ["key", { Length: > 0 } name] => host with { Key = name },
                ["controller-key", { Length: > 0 } name] => host with { ControllerKey = name },
                _ => throw Wrong(text, $"'{part}' is neither key=NAME nor controller-key=NAME"),
            };
        }

        return host is { ControllerKey: not null, Key: null } ? throw Wrong(text, "a controller proves its key only to a host that proves one: add key=NAME") : host;
    }

    private static StorageException Wrong(string text, string message) => new(StorageErrorKind.InvalidConfiguration, text, message);
}
