namespace EveStorage.Fixtures;

/// <summary>The files that make directories one pool: its id in the first line, then the directories it is made of.</summary>
internal static class Shelf
{
    internal static string FileOn(string device) => Path.Combine(device, "shelf");

    internal static bool IsOn(string device) => File.Exists(FileOn(device));

    internal static string[] Read(string device) => File.ReadAllLines(FileOn(device));

    internal static void Write(string id, IReadOnlyCollection<string> members)
    {
        foreach (string member in members.Where(Directory.Exists))
        {
            File.WriteAllLines(FileOn(member), [id, .. members]);
        }
    }
}

internal sealed class ShelfStep(string title, StepEffect expected, Func<StepOutcome> apply, Action revert) : StorageStep
{
    public override string Title => title;

    public override StepEffect Expected => expected;

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken) => new(apply());

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        revert();
        return ValueTask.CompletedTask;
    }
}

internal sealed class ShelfBackend(PluginServices services) : IStorageBackend
{
    internal static BackendCapabilities Capabilities { get; } = new()
    {
        Forms = new HashSet<VolumeForm> { VolumeForm.Block },
        Traits = VolumeTraits.Thin,
        Granularity = new(512),
        SnapshotsCopy = false,
        ThinReadsZero = true,
        ThickReadsZero = true,
    };

    public ValueTask<ProbeResult> ProbeAsync(CancellationToken cancellationToken) => new(ProbeResult.Usable(Capabilities));

    public ValueTask<Plan> PlanCreatePoolAsync(PoolSpec spec, CancellationToken cancellationToken)
        => new(Plan.Of(new ShelfStep($"make {spec.Name}", StepEffect.Change, () =>
        {
            Shelf.Write($"{Guid.NewGuid()}", [.. spec.Devices]);
            return StepOutcome.Changed;
        }, static () => { })));

    public ValueTask<Plan> PlanDeletePoolAsync(PoolName name, CancellationToken cancellationToken)
        => new(Plan.Of(new ShelfStep($"remove {name}", StepEffect.Destroys($"the pool {name}"), () =>
        {
            foreach (string device in services.Devices)
            {
                File.Delete(Shelf.FileOn(device));
            }

            return StepOutcome.Changed;
        }, static () => { })));

    public ValueTask<Plan> PlanClosePoolAsync(PoolName name, CancellationToken cancellationToken) => new(Plan.Of());

    public ValueTask<IStoragePool> OpenPoolAsync(PoolName name, CancellationToken cancellationToken)
        => services.Devices.FirstOrDefault(Shelf.IsOn) is string device
            ? new(new ShelfPool(name, Shelf.Read(device), services.Devices))
            : throw new StorageException(StorageErrorKind.NotFound, $"{name}", "none of its drives has it");
}
