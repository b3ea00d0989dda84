using EveStorage.Host.Composition;
using EveStorage.Host.Operations;
using EveStorage.Host.Operations.Changes;

namespace EveStorage.Host.Lazy;

/// <summary>Plans the volume of a map.</summary>
internal static class MapVolume
{
    /// <summary>Plans making it, beside a volume that this operation makes.</summary>
    internal static async Task<(LayerStack Stack, Plan Plan)> PlanCreateAsync(IStoragePool pool, ByteSize size, VolumeTraits traits, PlanningContext context, CancellationToken cancellationToken)
    {
        VolumeName name = ImageLayer.MapOf(context.Operation.Id);

        // The volume may come out larger than it was asked for, by a unit of its pool's space.
        ByteSize most = new(checked(size.Bytes + Math.Max(pool.Capabilities.Granularity.Bytes, 64 << 20)));
        VolumeSpec spec = new()
        {
            Name = name,
            Form = VolumeForm.Block,
            Size = new(Math.Max(MapStore.LengthFor(size).Bytes, MapStore.LengthFor(most).Bytes)),
            Traits = context.Parts.TraitsFor(pool, VolumeTraits.Thin | (traits & VolumeTraits.Encrypted)),
        };
        return await StackPlanner.PlanCreateAsync(context.Parts, pool, spec, context.Operation.Ids[$"{name}"], cancellationToken);
    }

    /// <summary>Plans removing it. What is not there is already removed.</summary>
    internal static async Task<Plan> PlanDeleteAsync(IStoragePool pool, VolumeRecord volume, PlanningContext context, CancellationToken cancellationToken)
    {
        VolumeName name = ImageLayer.MapOf(volume);
        if (await pool.Records.FindAsync(name, cancellationToken) is not VolumeRecord map)
        {
            return Plan.Of();
        }

        LayerStack stack = context.Parts.StackOf(pool, name, map.Id, map);
        return (await stack.PlanEraseAsync(cancellationToken))
            .Then(await pool.PlanDeleteAsync(name, cancellationToken))
            .Then(await KeyUse.PlanForgetAsync(StackPlanner.KeysOf([stack]), context, cancellationToken));
    }
}
