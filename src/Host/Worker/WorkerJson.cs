using System.Text.Json;
using System.Text.Json.Serialization;
using EveStorage.Host.Api;

namespace EveStorage.Host.Worker;

/// <summary>How a host and its worker, which are of one build, write to each other. It is made when that is built: a worker starts for each image.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    UseStringEnumConverter = true,
    Converters = [typeof(ApiJson.ByteSizeConverter)])]
[JsonSerializable(typeof(WorkerRequest))]
[JsonSerializable(typeof(ImportOrder))]
[JsonSerializable(typeof(WorkerMessage))]
internal sealed partial class WorkerJson : JsonSerializerContext;
