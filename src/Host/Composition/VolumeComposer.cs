namespace EveStorage.Host.Composition;

/// <summary>A layer and where the profile puts it.</summary>
/// <param name="Kind">Its kind, as the profile and records have it.</param>
/// <param name="Layer">The layer.</param>
/// <param name="Placement">Where it sits.</param>
/// <param name="Key">The key that the profile names for it; null for one that is named after what it encrypts.</param>
internal sealed record PlacedLayer(string Kind, IVolumeLayer Layer, LayerPlacement Placement, string? Key = null);

/// <summary>Works out which layers make up for what a backend lacks. It computes, and touches nothing.</summary>
internal static class VolumeComposer
{
    /// <summary>The layers for <paramref name="spec"/>, lowest first.</summary>
    /// <exception cref="StorageException">The profile can't give what is asked for; the message lists every reason.</exception>
    public static IReadOnlyList<PlacedLayer> Compose(VolumeSpec spec, BackendCapabilities pool, IReadOnlyList<PlacedLayer> available)
    {
        VolumeTraits lacking = spec.Needs & ~pool.Traits;
        VolumeForm form = pool.Forms.Contains(spec.Form) ? spec.Form : VolumeForm.Block;
        List<PlacedLayer> stack = [];
        foreach (PlacedLayer placed in available)
        {
            bool fillsTrait = (placed.Layer.Capabilities.Adds & lacking) != 0;
            bool fillsForm = form != spec.Form && placed.Layer.Capabilities.Above == spec.Form;
            bool keepsForm = placed.Layer.Capabilities.Above == placed.Layer.Capabilities.Below || placed.Layer.Capabilities.Above == spec.Form;   // a disk's quota is no reason for a file system
            bool fits = placed.Placement == LayerPlacement.UnderPool || placed.Layer.Capabilities.Below == form;   // what lies under a pool is a device, whatever it makes
            if ((fillsTrait || fillsForm) && keepsForm && fits)
            {
                stack.Add(placed);
                lacking &= ~placed.Layer.Capabilities.Adds;
                form = placed.Placement == LayerPlacement.OverVolume ? placed.Layer.Capabilities.Above : form;
            }
        }

        List<string> reasons = [.. stack.Where(placed => !placed.Layer.Capabilities.Placements.Contains(placed.Placement))
            .Select(placed => $"{placed.Kind} can't be placed {placed.Placement}")];
        if (lacking != 0)
        {
            reasons.Add($"no layer of the profile adds {lacking}{(lacking.HasFlag(VolumeTraits.Encrypted) ? ": set Encryption to luks2-over-volume, with Keys" : "")}");
        }

        if (form != spec.Form)
        {
            reasons.Add($"no layer of the profile makes a {spec.Form} of a {form}{(spec.Form == VolumeForm.FileSystem ? ": add ext4 or xfs to the pool's Layers" : "")}");
        }

        bool encryptedAbove = stack.Exists(p => p.Placement == LayerPlacement.OverVolume && p.Layer.Capabilities.Adds.HasFlag(VolumeTraits.Encrypted));
        bool compressedBelow = spec.Traits.HasFlag(VolumeTraits.Compressed) && pool.Traits.HasFlag(VolumeTraits.Compressed);
        if (encryptedAbove && compressedBelow)
        {
            reasons.Add("encryption over the volume leaves the pool nothing to compress: place it under the pool");
        }

        return reasons.Count == 0
            ? stack
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, spec.Name.ToString(), string.Join("; ", reasons));
    }
}
