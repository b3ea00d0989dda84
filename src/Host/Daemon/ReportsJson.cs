using System.Text.Json.Serialization;
using EveStorage.Cli.Api;

namespace EveStorage.Host.Daemon;

/// <summary>
/// Answers as <see cref="ApiJson"/> has them, made when this is built. Only to write them: what is made so reads a member that is left out as
/// nothing, and not as what our types say; so who reads a request does it by <see cref="ApiJson.Compact"/>.
/// </summary>
[JsonSerializable(typeof(HostReport))]
[JsonSerializable(typeof(IReadOnlyList<PluginReport>))]
[JsonSerializable(typeof(IReadOnlyList<DeviceReport>))]
[JsonSerializable(typeof(IReadOnlyList<PoolReport>))]
[JsonSerializable(typeof(IReadOnlyList<VolumeReport>))]
[JsonSerializable(typeof(IReadOnlyList<FileSystemReport>))]
[JsonSerializable(typeof(IReadOnlyList<ExportReport>))]
[JsonSerializable(typeof(IReadOnlyList<OperationReport>))]
[JsonSerializable(typeof(IReadOnlyList<KeyName>))]
[JsonSerializable(typeof(IReadOnlyList<Finding>))]
[JsonSerializable(typeof(EventReport))]
[JsonSerializable(typeof(PlanReport))]
[JsonSerializable(typeof(ImageReport))]
[JsonSerializable(typeof(Problem))]
internal sealed partial class ReportsJson : JsonSerializerContext
{
    internal static ReportsJson Ours { get; } = new(ApiJson.Make(indented: false));
}
