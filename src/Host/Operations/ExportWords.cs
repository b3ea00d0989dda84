using EveStorage.Cli;
using EveStorage.Cli.Api;

namespace EveStorage.Host.Operations;

/// <summary>Who gets and who loses access by a change of an export, in words.</summary>
internal static class ExportWords
{
    /// <summary>What changes; empty where nothing does.</summary>
    internal static string Change(ExportRecord? before, ExportRecord after) => string.Join(", ", Changes(before, after));

    /// <summary>What is there and is asked for otherwise, which adding hosts does not change.</summary>
    internal static IEnumerable<string> Otherwise(AddExport asked, ExportRecord there)
    {
        if (asked.Subsystem is not null && asked.Subsystem != there.Subsystem)
        {
            yield return $"in the subsystem {there.Subsystem}";
        }

        if (asked.NamespaceId is int number && number != there.NamespaceId)
        {
            yield return $"with the number {there.NamespaceId}";
        }

        if (asked.ReadOnly is bool readOnly && readOnly != there.ReadOnly)
        {
            yield return AccessOf(there);
        }

        if ((asked.Limits?.Iops is long iops && iops != there.Limits?.Iops) || (asked.Limits?.Bandwidth is ByteSize bandwidth && bandwidth != there.Limits?.Bandwidth))
        {
            yield return LimitsOf(there.Limits);
        }

        IReadOnlyDictionary<string, string?> hosts = asked.AllowedHosts ?? new Dictionary<string, string?>();
        foreach (string host in hosts.Keys.Where(there.AllowedHosts.ContainsKey).Where(host => KeysOf(hosts, asked.ControllerKeys, host) != KeysOf(there.AllowedHosts, there.ControllerKeys, host)))
        {
            yield return $"to {host} with {(there.AllowedHosts[host] is null ? "no key" : "other keys")}";
        }
    }

    private static IEnumerable<string> Changes(ExportRecord? before, ExportRecord after)
    {
        foreach (string host in after.AllowedHosts.Keys.Order(StringComparer.Ordinal))
        {
            if (before is null || !before.AllowedHosts.ContainsKey(host))
            {
                yield return $"{host} gets access";
            }
            else if (KeysOf(before.AllowedHosts, before.ControllerKeys, host) != KeysOf(after.AllowedHosts, after.ControllerKeys, host))
            {
                yield return after.AllowedHosts[host] is null ? $"{host} needs no key any more" : $"{host} has other keys";
            }
        }

        foreach (string host in (before?.AllowedHosts.Keys ?? []).Where(host => !after.AllowedHosts.ContainsKey(host)).Order(StringComparer.Ordinal))
        {
            yield return $"{host} loses access";
        }

        if (before is not null && before.Subsystem != after.Subsystem)
        {
            yield return $"in the subsystem {after.Subsystem}";
        }

        if (before is not null && before.NamespaceId != after.NamespaceId)
        {
            yield return $"with the number {after.NamespaceId}";
        }

        if (before is null ? after.ReadOnly : before.ReadOnly != after.ReadOnly)
        {
            yield return AccessOf(after);
        }

        if (before?.Limits != after.Limits)
        {
            yield return LimitsOf(after.Limits);
        }
    }

    private static (string? Key, string? Controller) KeysOf(IReadOnlyDictionary<string, string?> keys, IReadOnlyDictionary<string, string> controllers, string host)
        => (keys[host], controllers.TryGetValue(host, out string? controller) ? controller : null);

    private static string AccessOf(ExportRecord export) => export.ReadOnly ? "read-only" : "read-write";

    private static string LimitsOf(ExportLimits? limits)
        => limits is null ? "without limits"
            : $"limited to {string.Join(" and ", new[] { limits.Iops is long iops ? $"{iops} reads and writes" : null, limits.Bandwidth is ByteSize bytes ? bytes.ForPerson() : null }.OfType<string>())} in a second";
}
