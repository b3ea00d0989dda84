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
            : [there is not null && IsAs(desired, there) ? null : Add(place, desired, there)];
    }

    private static DesiredChange Add(DesiredPlace place, DesiredExport desired, ExportReport? there)
    {
        AddExport request = new()
        {
            Pool = place.Volume.Pool!.Value,
            Volume = place.Volume.Volume,
            Transport = place.Transport,
            Exactly = true,
            AllowedHosts = desired.Hosts.ToDictionary(host => host.Key, host => host.Value.Key),
            ControllerKeys = Named(desired.Hosts, static host => host.ControllerKey),
            Subsystem = desired.Subsystem ?? there?.Subsystem,

            // In a subsystem of its own a volume is the first: to look for a free number among all there are would make many exports slow.
            NamespaceId = desired.NamespaceId ?? there?.NamespaceId ?? (desired.Subsystem is null ? 1 : null),
            ReadOnly = desired.ReadOnly,
            Limits = desired.Limits,
        };
        return new() { Subject = $"{place.Volume}", Does = SaidOf(request, there), Request = request };
    }

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

    private static bool IsAs(DesiredExport desired, ExportReport there)
        => desired.ReadOnly == there.ReadOnly && desired.Limits == there.Limits
            && (desired.Subsystem is null || desired.Subsystem == there.Subsystem)
            && (desired.NamespaceId is null || desired.NamespaceId == there.NamespaceId)
            && desired.Hosts.Keys.ToHashSet().SetEquals(there.AllowedHosts)
            && AreSame(Named(desired.Hosts, static host => host.Key), there.Keys)
            && AreSame(Named(desired.Hosts, static host => host.ControllerKey), there.ControllerKeys);

    private static Dictionary<string, string> Named(IReadOnlyDictionary<string, DesiredHost> hosts, Func<DesiredHost, string?> key)
        => hosts.Where(host => key(host.Value) is not null).ToDictionary(host => host.Key, host => key(host.Value)!);

    private static bool AreSame(Dictionary<string, string> one, IReadOnlyDictionary<string, string> other)
        => one.Count == other.Count && one.All(pair => other.TryGetValue(pair.Key, out string? value) && value == pair.Value);
}
