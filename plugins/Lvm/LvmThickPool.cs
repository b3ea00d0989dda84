namespace EveStorage.Lvm;

/// <summary>A pool whose volumes take their space when they are made. New space is zeroed first: nobody reads what another had there.</summary>
internal sealed class LvmThickPool(OpenGroup open, LvmOptions options, PluginServices services) : LvmPool(open, options, services)
{
    public override BackendCapabilities Capabilities { get; } = CapabilitiesOf(open.Facts.Extent);

    public override async ValueTask<Plan> PlanCreateAsync(VolumeSpec spec, CancellationToken cancellationToken)
    {
        Capabilities.Require(spec);
        return Plan.Of(await CreateThickVolume.PlanAsync(this, spec with { Size = spec.Size.RoundUpTo(Capabilities.Granularity) }, cancellationToken));
    }

    internal static BackendCapabilities CapabilitiesOf(ByteSize extent) => new()
    {
        Forms = new HashSet<VolumeForm> { VolumeForm.Block },
        Traits = VolumeTraits.Resizable,
        Granularity = extent,
        ThinReadsZero = true,
        ThickReadsZero = true,
    };
}
