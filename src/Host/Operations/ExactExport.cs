using EveStorage.Cli.Api;

namespace EveStorage.Host.Operations;

/// <summary>An export that is to be just as a request says.</summary>
internal static class ExactExport
{
    /// <summary>The export: what the request leaves out is as it is there.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="before">What is there; or one that nobody has access to, where none is.</param>
    internal static ExportRecord Of(AddExport request, ExportRecord before)
    {
        string[] hosts = [.. (request.AllowedHosts ?? before.AllowedHosts).Keys];
        return before with
        {
            Subsystem = request.Subsystem ?? before.Subsystem,
            NamespaceId = request.NamespaceId ?? before.NamespaceId,
            AllowedHosts = hosts.ToDictionary(host => host, host => KeyOf(request.AllowedHosts?[host], before.AllowedHosts.GetValueOrDefault(host))),
            ControllerKeys = hosts.Select(host => (Host: host, Key: KeyOf(request.ControllerKeys.GetValueOrDefault(host), before.ControllerKeys.GetValueOrDefault(host))))
                .Where(host => host.Key is not null)
                .ToDictionary(host => host.Host, host => host.Key!),
            ReadOnly = request.ReadOnly ?? before.ReadOnly,
            Limits = LimitsOf(request.Limits, before.Limits),
        };
    }

    /// <summary>The limits: each that is not asked for as it is, and none where 0 is.</summary>
    internal static ExportLimits? LimitsOf(ExportLimits? asked, ExportLimits? there)
    {
        long? iops = asked?.Iops ?? there?.Iops;
        ByteSize? bandwidth = asked?.Bandwidth ?? there?.Bandwidth;
        (iops, bandwidth) = (iops == 0 ? null : iops, bandwidth?.Bytes == 0 ? null : bandwidth);
        return iops is null && bandwidth is null ? null : new() { Iops = iops, Bandwidth = bandwidth };
    }

    private static string? KeyOf(string? asked, string? there) => asked is null ? there : asked.Length == 0 ? null : asked;
}
