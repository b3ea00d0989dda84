using System.Text.Json.Serialization;

namespace EveStorage.Cli.Api;

/// <summary>An error, for a program.</summary>
internal sealed record ErrorDocument(ErrorReport Error);

/// <summary>What was asked for and is there.</summary>
internal sealed record AlreadySo(string Subject, string State = "already-so");

/// <summary>Measurements, for a program.</summary>
internal sealed record MetricsDocument(string Text);

/// <summary>
/// How each document of the API is read and written where nothing can be found out by reflection. What is made so reads a member that is left
/// out as nothing, and not as what our types say: it is for who talks to a daemon of the same version, which leaves out what is null alone. The
/// daemon writes its answers so, and reads what it is asked by <see cref="ApiJson.Compact"/>.
/// </summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
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
[JsonSerializable(typeof(ChangeRequest))]
[JsonSerializable(typeof(UrlQuestion))]
[JsonSerializable(typeof(ErrorDocument))]
[JsonSerializable(typeof(AlreadySo))]
[JsonSerializable(typeof(MetricsDocument))]
internal sealed partial class ApiDocuments : JsonSerializerContext
{
    /// <summary>Those as <see cref="ApiJson"/> has them.</summary>
    internal static ApiDocuments Ours { get; } = new(ApiJson.Make(indented: false));
}
