using EveStorage.Cli.Api;

namespace EveStorage.Cli;

/// <summary>A host as <c>export add</c> takes it: <c>NQN[,key=NAME[,controller-key=NAME]]</c>. An NQN of ours may hold no comma.</summary>
internal sealed record HostOption(string Nqn, string? Key, string? ControllerKey)
{
    private const string UuidPrefix = "nqn.2014-08.org.nvmexpress:uuid:";

    /// <summary>Reads all that were given. One that was given twice alike counts once.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.InvalidConfiguration"/>: one is none, or has two keys.</exception>
    internal static IReadOnlyList<HostOption> ParseAll(IEnumerable<string> texts)
    {
        HostOption[] hosts = [.. texts.Select(Parse).Distinct()];
        return hosts.GroupBy(host => host.Nqn).FirstOrDefault(same => same.Count() > 1) is { } twice
            ? throw Wrong(twice.Key, "is given twice, with other keys")
            : hosts;
    }

    /// <summary>The names of their keys.</summary>
    internal static Dictionary<string, string?> KeysOf(IEnumerable<HostOption> hosts) => hosts.ToDictionary(host => host.Nqn, host => host.Key);

    /// <summary>The names of the keys that the controller proves to have in turn.</summary>
    internal static Dictionary<string, string> ControllerKeysOf(IEnumerable<HostOption> hosts)
        => hosts.Where(host => host.ControllerKey is not null).ToDictionary(host => host.Nqn, host => host.ControllerKey!);

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

        // What a guest has is a whole one (NVMe base specification, NVMe Qualified Names): another is mistyped, and nobody could connect by it.
        if (parts[0].StartsWith(UuidPrefix, StringComparison.Ordinal) && !Guid.TryParseExact(parts[0][UuidPrefix.Length..], "D", out _))
        {
            throw Wrong("--host", $"'{parts[0][UuidPrefix.Length..]}' is no UUID, as stands behind {UuidPrefix}");
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
