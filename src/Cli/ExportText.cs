using EveStorage.Cli.Api;

namespace EveStorage.Cli;

/// <summary>How an export is told to a person.</summary>
internal static class ExportText
{
    /// <summary>Its limits; null where it has none.</summary>
    internal static string? Limits(ExportReport export)
        => export.Limits is not ExportLimits limits ? null
            : string.Join(", ", new[] { limits.Iops is long iops ? $"{iops}/s" : null, limits.Bandwidth is ByteSize bytes ? $"{bytes.ForPerson()}/s" : null }.OfType<string>());

    /// <summary>One line of all that matters of it.</summary>
    internal static string Line(ExportReport export)
        => $"{export.Transport} {export.Address?.ToString() ?? "(not served)"} {export.Subsystem} to {string.Join(", ", export.AllowedHosts)}{(export.ReadOnly ? ", read-only" : "")}{(Limits(export) is string limits ? $", at most {limits}" : "")}";
}
