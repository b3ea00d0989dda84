using EveStorage.Cli;
using EveStorage.Cli.Api;
using EveStorage.Cli.Profiles;
using EveStorage.Host.Operations;
using EveStorage.Host.Profiles;

namespace EveStorage.Host.Engine;

/// <summary>Finds what keeps guests from what they are to have: nobody who serves it, no room, a daemon that goes by other settings.</summary>
internal sealed class ServingDiagnosis(Profile profile, OperationRunner operations)
{
    /// <summary>From how full on a pool is a finding: the level that is told as critical, too.</summary>
    internal const int FullPercent = 95;

    private const int Named = 5;

    /// <summary>What is on record as exported, and nobody serves.</summary>
    internal IEnumerable<Finding> FindUnserved(IEnumerable<ExportReport> exports)
    {
        ExportReport[] unserved = [.. exports.Where(export => export.Address is null && profile.Transports.ContainsKey(export.Transport))];
        if (operations.Serves)
        {
            return unserved.Select(export => new Finding(export.Volume, $"is to be exported by {export.Transport}, and is not served: the daemon's log and its events say why", "evestorage events"));
        }

        string names = string.Join(", ", unserved.Take(Named).Select(export => $"{export.Volume} by {export.Transport}"));
        return unserved.Length == 0 ? [] : [new Finding("daemon", $"does not run, and nobody serves what is exported: {names}{(unserved.Length > Named ? $", and {unserved.Length - Named} more" : "")}", "evestorage serve")];
    }

    /// <summary>Whether a pool has hardly any room left.</summary>
    internal static IEnumerable<Finding> FindFull(PoolName name, PoolStatus status)
        => Full(name, "holds", new(status.Size, new(status.Size.Bytes - status.Free.Bytes)), "what is written beyond that fails; delete what is not needed, or add room")
            .Concat(status.Metadata is SpaceUse metadata ? Full(name, "has metadata of", metadata, "no volume is written to beyond that; delete snapshots that are not needed, or add a drive") : []);

    /// <summary>Whether the daemon goes by what was read at its start, and would read something else now.</summary>
    internal IEnumerable<Finding> FindOtherSettings()
    {
        if (!operations.Serves || profile.Files.Count == 0)
        {
            return [];
        }

        try
        {
            return ProfileSource.Read(profile.Asked).Fingerprint == profile.Configuration
                ? []
                : [new("daemon", $"goes by the settings as they were at its start, and they are others now ({string.Join(", ", profile.Files)})", "systemctl restart evestorage")];
        }
        catch (StorageException e)
        {
            return [new("daemon", $"goes by the settings as they were at its start, and could not start with those that are there now: {e.Message}", "evestorage profile check")];
        }
    }

    private static IEnumerable<Finding> Full(PoolName name, string what, SpaceUse use, string then)
        => use.Size.Bytes > 0 && use.Used.Bytes >= use.Size.Bytes / 100.0 * FullPercent
            ? [new($"{name}", $"{what} {use.Used.ForPerson()} of {use.Size.ForPerson()}: {then}", $"evestorage pool status {name}")]
            : [];
}
