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

    // What the file does not say is not asked for: it stays as it is when its turn comes, whoever has changed it since this was looked at.
    private static DesiredChange? Make(DesiredPlace place, DesiredExport desired, ExportReport? there)
    {
        AddExport request = new()
        {
            Pool = place.Volume.Pool!.Value,
            Volume = place.Volume.Volume,
            Transport = place.Transport,
            Exactly = true,
            AllowedHosts = desired.Hosts?.ToDictionary(host => host.Key, host => host.Value.Key),
            ControllerKeys = (desired.Hosts ?? new Dictionary<string, DesiredHost>()).Where(host => host.Value.ControllerKey is not null).ToDictionary(host => host.Key, host => host.Value.ControllerKey!),
            Subsystem = desired.Subsystem,
            NamespaceId = desired.NamespaceId,
            ReadOnly = desired.ReadOnly,
            Limits = desired.Iops is null && desired.Bandwidth is null ? null : new() { Iops = desired.Iops, Bandwidth = desired.Bandwidth },
        };
        ExportRecord? before = there is null ? null : RecordOf(there);
        string change = ExportWords.Change(before, ExactExport.Of(request, before ?? Nobody(place.Transport)));
        return before is not null && change.Length == 0 ? null : new()
        {
            Subject = $"{place.Volume}",
            Does = before is not null ? $"change its export by {place.Transport}: {change}" : $"export it by {place.Transport}{(change.Length == 0 ? " to this machine" : $": {change}")}",
            Request = request,
        };
    }

    private static ExportRecord Nobody(string transport)
        => new() { Transport = transport, Subsystem = "", NamespaceId = 0, AllowedHosts = new Dictionary<string, string?>(), ReadOnly = false };

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
}
