using System.Runtime.CompilerServices;
using EveStorage;

namespace Kept.Files;

/// <summary>A transport of this machine: what is exported is a file that names the volume's, and goes on without us.</summary>
internal sealed class KeptTransport(PlaceOptions options, string name) : IVolumeTransport
{
    public TransportCapabilities Capabilities { get; } = new() { Serves = AccessKinds.Path, IsLocal = true };

    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken) => new([]);

    public ValueTask<Plan> PlanExportAsync(ExportSpec spec, VolumeAccess volume, CancellationToken cancellationToken)
    {
        string path = volume.Path ?? throw new StorageException(StorageErrorKind.NotSupported, spec.Subject, $"{name} serves paths alone");
        string asked = $"{spec.Subsystem}\n{spec.NamespaceId}\n{spec.ReadOnly}\n{path}";
        return KeptStep.Of($"export {spec.Subject} by {name}", async (context, cancel) =>
        {
            if (Read(spec.VolumeId) is [string made, .. string[] there] && string.Join('\n', there) == asked)
            {
                return made == $"{context.Request.Id}" ? StepOutcome.Changed : StepOutcome.AlreadySo;
            }

            await File.WriteAllTextAsync(FileOf(spec.VolumeId), $"{context.Request.Id}\n{asked}", cancel);
            return StepOutcome.Changed;
        }, context => Read(spec.VolumeId) is [string made, ..] && made == $"{context.Request.Id}" ? KeptStep.Delete(FileOf(spec.VolumeId)) : StepOutcome.AlreadySo);
    }

    public ValueTask<Plan> PlanUnexportAsync(Guid volumeId, CancellationToken cancellationToken)
        => KeptStep.Of($"export it no more by {name}", (_, _) => new(KeptStep.Delete(FileOf(volumeId))), static _ => StepOutcome.AlreadySo);

    public ValueTask<Plan> PlanResizeAsync(Guid volumeId, CancellationToken cancellationToken) => new(Plan.Of());

    public async IAsyncEnumerable<ExportInfo> ListExportsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (string path in Directory.EnumerateFiles(options[""]))
        {
            string[] lines = await File.ReadAllLinesAsync(path, cancellationToken);
            yield return new()
            {
                VolumeId = Guid.ParseExact(Path.GetFileName(path), "N"),
                Subsystem = new(lines[1]),
                NamespaceId = int.Parse(lines[2], null),
                ReadOnly = bool.Parse(lines[3]),
                Address = new($"file://{lines[4]}"),
                AllowedHosts = [],
            };
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private string FileOf(Guid volume) => options[$"{volume:N}"];

    private string[]? Read(Guid volume) => File.Exists(FileOf(volume)) ? File.ReadAllLines(FileOf(volume)) : null;
}
