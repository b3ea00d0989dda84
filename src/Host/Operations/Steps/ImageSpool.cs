using EveStorage.Host.Composition;

namespace EveStorage.Host.Operations.Steps;

/// <summary>A thin volume of the same pool that keeps what of a stream comes before it is known where it belongs.</summary>
/// <param name="Path">The path at the top of its layers.</param>
/// <param name="Size">Its size.</param>
/// <param name="Create">Makes it.</param>
/// <param name="TakeBack">Removes it, when it has served.</param>
internal sealed record ImageSpool(string Path, ByteSize Size, Plan Create, Plan TakeBack)
{
    // What an image has beside its disk: tables, snapshots, clusters that nothing uses any more. What is not written takes no space.
    private static readonly ByteSize s_least = ByteSize.GiB(1);

    /// <summary>Its name: as temporary as that of the volume, and another one.</summary>
    internal static VolumeName NameFor(Guid operation)
    {
        Span<byte> bytes = stackalloc byte[16];
        operation.TryWriteBytes(bytes);
        bytes[^1] ^= 1;
        return VolumeName.ForOperation(new(bytes));
    }

    /// <summary>Plans one; null where the pool has no thin volumes.</summary>
    internal static async Task<ImageSpool?> PlanAsync(IStoragePool pool, ByteSize diskSize, PlanningContext context, CancellationToken cancellationToken)
    {
        if (!pool.Capabilities.Forms.Contains(VolumeForm.Block) || !pool.Capabilities.Traits.HasFlag(VolumeTraits.Thin))
        {
            return null;
        }

        VolumeName name = NameFor(context.Operation.Id);
        VolumeSpec spec = new()
        {
            Name = name,
            Form = VolumeForm.Block,
            Size = new(Math.Min(diskSize.Bytes, long.MaxValue / 4) * 2 + s_least.Bytes),
            Traits = context.Parts.TraitsFor(pool, VolumeTraits.Thin),
        };
        (LayerStack stack, Plan create) = await StackPlanner.PlanCreateAsync(context.Parts, pool, spec, context.Operation.Ids[$"{name}"], cancellationToken);
        return new(stack.Path, spec.Size, create, Plan.Of(new TakeBackSpool(create)));
    }
}

/// <summary>Removes what earlier steps of the same operation made.</summary>
internal sealed class TakeBackSpool(Plan made) : StorageStep
{
    /// <inheritdoc/>
    public override string Title => "remove what was kept of the stream";

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.Change;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        foreach (StorageStep step in made.Steps.Reverse())
        {
            await step.RevertAsync(context, cancellationToken);
        }

        return StepOutcome.Changed;
    }

    /// <summary>Nothing: the steps that made it are reverted themselves.</summary>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
