using EveStorage.Cli.Api;

namespace EveStorage.Cli.Verbs;

internal sealed class PluginList() : CliVerb("plugin list", "List every plugin that is found or enabled, whether it can be used here, and if not, why.")
{
    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        IReadOnlyList<PluginReport> plugins = await (await invocation.OpenAsync(cancellationToken)).ListPluginsAsync(cancellationToken);
        invocation.Answer(plugins, output => Table.Write(
            output, ["plugin", "version", "usable", "kinds", "reason"],
            plugins.Select(plugin => new[]
            {
                plugin.Id, plugin.Version ?? "-", plugin.Usable ? "yes" : plugin.Enabled ? "no" : "not enabled",
                string.Join(",", plugin.Kinds), string.Join("; ", plugin.Reasons),
            })));
        return ExitCodes.Success;
    }
}

internal sealed class DeviceList() : CliVerb("device list", "List the block devices of this machine and who uses each. A pool takes only those that nobody uses.")
{
    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        IReadOnlyList<DeviceReport> devices = await (await invocation.OpenAsync(cancellationToken)).ListDevicesAsync(cancellationToken);
        invocation.Answer(devices, output => Table.Write(
            output, ["device", "size", "in a profile", "model", "pci", "worn", "used by"],
            devices.Select(device => new[]
            {
                device.Name, device.Size.ForPerson(), device.StablePath ?? device.Device ?? "-", device.Model ?? "-", device.PciAddress ?? "-", device.WearPercent is int worn ? $"{worn} %" : "-",
                device.Uses.Count == 0 ? "nobody" : string.Join(", ", device.Uses),
            })));
        return ExitCodes.Success;
    }
}

internal sealed class ExportList() : CliVerb("export list", "List what is exported, by which transport, within which limits, to whom, and who is connected.")
{
    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        IStorageApi api = await invocation.OpenAsync(cancellationToken);
        IReadOnlyList<ExportReport> exports = await api.ListExportsAsync(cancellationToken);
        invocation.Answer(exports, output => Table.Write(
            output, ["volume", "transport", "address", "subsystem", "nsid", "access", "limits", "hosts", "connected"],
            exports.Select(export => new[]
            {
                export.Volume, export.Transport, export.Address?.ToString() ?? "not served", export.Subsystem, $"{export.NamespaceId}",
                export.ReadOnly ? "read-only" : "read-write", ExportText.Limits(export) ?? "-", string.Join(",", export.AllowedHosts), string.Join(",", export.ConnectedHosts),
            })));
        return await UnseenPools.TellAsync(invocation, api, cancellationToken);
    }
}

internal sealed class Doctor() : CliVerb(
    "doctor", "Tell what is not as it should be and no start repairs by itself, with the command for it. Exit code 11 when there is anything.")
{
    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        IReadOnlyList<Finding> findings = await (await invocation.OpenAsync(cancellationToken)).DiagnoseAsync(cancellationToken);
        invocation.Answer(findings, output =>
        {
            if (findings.Count == 0)
            {
                output.WriteLine("nothing to do");
            }
            else
            {
                Table.Write(output, ["subject", "finding", "command"], findings.Select(found => new[] { found.Subject, found.Message, found.Command ?? "-" }));
            }
        });
        return findings.Count == 0 ? ExitCodes.Success : ExitCodes.Of(StorageErrorKind.NeedsAttention);
    }
}
