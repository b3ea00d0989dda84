using EveStorage.Cli.Api;
using EveStorage.Host.Operations;

namespace EveStorage.Host.Desired;

/// <summary>An export, as it is on record and as it is to be.</summary>
internal static class ExportDifference
{
    /// <summary>What differs; one null where nothing does.</summary>
    internal static DesiredChange?[] Find(DesiredPlace place, DesiredExport desired, Found found)
    {
        ExportReport? there = found.Volumes.GetValueOrDefault(place.Volume)?.Exports.FirstOrDefault(export => export.Transport == place.Transport);
        return desired.Absent
            ? [there is null ? null : new() { Subject = $"{place.Volume}", Does = $"end its export by {place.Transport}", Request = new RemoveExport { Pool = place.Volume.Pool!.Value, Volume = place.Volume.Volume, Transport = place.Transport } }]
            : [Make(place, desired, there)];
    }

    // All of it as it is to be: what the file does not say is as it is, so that a file which leaves out who may write lets nobody write.
    private static DesiredChange? Make(DesiredPlace place, DesiredExport desired, ExportReport? there)
    {
        AddExport request = new()
        {
            Pool = place.Volume.Pool!.Value,
            Volume = place.Volume.Volume,
            Transport = place.Transport,
            Exactly = true,
            AllowedHosts = HostsOf(desired, there).ToDictionary(host => host, host => KeyOf(desired.Hosts?[host].Key, there?.Keys, host)),
            ControllerKeys = HostsOf(desired, there)
                .Select(host => (Host: host, Key: KeyOf(desired.Hosts?[host].ControllerKey, there?.ControllerKeys, host)))
                .Where(host => host.Key is not null)
                .ToDictionary(host => host.Host, host => host.Key!),
            Subsystem = desired.Subsystem ?? there?.Subsystem,

            // In a subsystem of its own a volume is the first: to look for a free number among all there are would make many exports slow.
            NamespaceId = desired.NamespaceId ?? there?.NamespaceId ?? (desired.Subsystem is null ? 1 : null),
            ReadOnly = desired.ReadOnly ?? there?.ReadOnly ?? false,
            Limits = LimitsOf(desired.Iops ?? there?.Limits?.Iops ?? 0, (desired.Bandwidth ?? there?.Limits?.Bandwidth)?.Bytes ?? 0),
        };
        return there is not null && IsAs(request, there) ? null : new() { Subject = $"{place.Volume}", Does = SaidOf(request, there), Request = request };
    }

    private static IEnumerable<string> HostsOf(DesiredExport desired, ExportReport? there) => desired.Hosts?.Keys ?? there?.AllowedHosts ?? [];

    private static string? KeyOf(string? said, IReadOnlyDictionary<string, string>? there, string host)
        => said is null ? there?.GetValueOrDefault(host) : said.Length == 0 ? null : said;

    private static ExportLimits? LimitsOf(long iops, long bandwidth)
        => iops == 0 && bandwidth == 0 ? null : new() { Iops = iops == 0 ? null : iops, Bandwidth = bandwidth == 0 ? null : new(bandwidth) };

    private static string SaidOf(AddExport request, ExportReport? there)
    {
        string change = ExportWords.Change(there is null ? null : RecordOf(there), new()
        {
            Transport = request.Transport!,
            Subsystem = request.Subsystem ?? "",
            NamespaceId = request.NamespaceId ?? 0,
            AllowedHosts = request.AllowedHosts,
            ControllerKeys = request.ControllerKeys,
            ReadOnly = request.ReadOnly == true,
            Limits = request.Limits,
        });
        return there is not null ? $"change its export by {request.Transport}: {change}"
            : $"export it by {request.Transport}{(change.Length == 0 ? " to this machine" : $": {change}")}";
    }

    private static ExportRecord RecordOf(ExportReport there) => new()
    {
        Transport = there.Transport,
        Subsystem = there.Subsystem,
        NamespaceId = there.NamespaceId,
        AllowedHosts = there.AllowedHosts.ToDictionary(host => host, host => there.Keys.GetValueOrDefault(host)),
        ControllerKeys = there.ControllerKeys,
        ReadOnly = there.ReadOnly,
        Limits = there.Limits,
    };

    private static bool IsAs(AddExport wanted, ExportReport there)
        => wanted.ReadOnly == there.ReadOnly && wanted.Limits == there.Limits && wanted.Subsystem == there.Subsystem && wanted.NamespaceId == there.NamespaceId
            && wanted.AllowedHosts.Keys.ToHashSet().SetEquals(there.AllowedHosts)
            && AreSame(wanted.AllowedHosts.Where(host => host.Value is not null).ToDictionary(host => host.Key, host => host.Value!), there.Keys)
            && AreSame(wanted.ControllerKeys, there.ControllerKeys);

    private static bool AreSame(IReadOnlyDictionary<string, string> one, IReadOnlyDictionary<string, string> other)
        => one.Count == other.Count && one.All(pair => other.TryGetValue(pair.Key, out string? value) && value == pair.Value);
}
