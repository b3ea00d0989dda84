namespace EveStorage.NvmetUser;

/// <summary>Serves a volume to its hosts. One that is served so is left alone; one that is served otherwise is changed.</summary>
internal sealed class ExportVolume(TargetChanges changes, ExportSpec spec, VolumeAccess access) : StorageStep
{
    public override string Title => $"export {spec.Subject} as {spec.Subsystem} number {spec.NamespaceId}{(spec.ReadOnly ? ", read-only," : "")} to {Hosts}";

    public override StepEffect Expected { get; } = changes.Exports.Find(spec.VolumeId)?.Is(spec) == true ? StepEffect.AlreadySo : StepEffect.Change;

    private string Hosts => spec.AllowedHosts.Count == 0 ? "nobody" : string.Join(", ", spec.AllowedHosts.Select(h => $"{h.Host}"));

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Guid operation = context.Request.Id;
        Export? now = changes.Exports.Find(spec.VolumeId);
        if (now?.Is(spec) == true)
        {
            return now.Operation == operation ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        Export? before = now?.Operation == operation ? now.Before : now is null ? null : now with { Before = null };
        await changes.SetAsync(spec, access, operation, before, cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Export? now = changes.Exports.Find(spec.VolumeId);
        if (now is null || now.Operation != context.Request.Id)
        {
            return;
        }

        if (now.Before is Export before)
        {
            await changes.SetAsync(before.Spec, before.Access, before.Operation, before: null, cancellationToken);
        }
        else
        {
            await changes.RemoveAsync(now, cancellationToken);
        }
    }
}
