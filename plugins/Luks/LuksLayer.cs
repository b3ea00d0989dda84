using EveStorage.Linux;

namespace EveStorage.Luks;

/// <summary>Encryption by dm-crypt, with a LUKS2 header that cryptsetup writes.</summary>
internal sealed class LuksLayer(LuksOptions options, IKeyProvider? keys) : IRekeyableLayer
{
    /// <inheritdoc/>
    public LayerCapabilities Capabilities { get; } = new()
    {
        Adds = VolumeTraits.Encrypted,
        Below = VolumeForm.Block,
        Above = VolumeForm.Block,
        Placements = new HashSet<LayerPlacement> { LayerPlacement.UnderPool, LayerPlacement.OverVolume },
        NeedsKey = true,
        Overhead = new(Cryptsetup.HeaderLength),
    };

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken)
    {
        List<string> missing = [];
        foreach (string program in (string[])["cryptsetup", "wipefs"])
        {
            if (Command.Find(program) is null)
            {
                missing.Add($"{program}: it is not installed");
            }
        }

        missing.AddRange(KernelModule.Missing(("dm-crypt", "CONFIG_DM_CRYPT")));
        if (options.Cipher == LuksCipher.Adiantum)
        {
            missing.AddRange(KernelModule.Missing(("adiantum", "CONFIG_CRYPTO_ADIANTUM")));
        }

        if (keys is null)
        {
            missing.Add("a source of keys: the profile declares no Keys");
            return missing;
        }

        return [.. missing, .. await keys.ProbeAsync(cancellationToken)];
    }

    /// <inheritdoc/>
    public string PathOver(LayerSite site) => Of(site).UpperPath;

    /// <inheritdoc/>
    public ValueTask<bool> IsOpenAsync(LayerSite site, CancellationToken cancellationToken) => new(Of(site).FindOpen() is not null);

    /// <inheritdoc/>
    public async ValueTask<Plan> PlanFormatAsync(LayerSite site, CancellationToken cancellationToken)
        => Plan.Of(new FormatLuks(Of(site), await LuksCipher.ChooseAsync(options, new(), cancellationToken)));

    /// <inheritdoc/>
    public ValueTask<Plan> PlanOpenAsync(LayerSite site, CancellationToken cancellationToken) => new(Plan.Of(new OpenLuks(Of(site))));

    /// <inheritdoc/>
    public ValueTask<Plan> PlanCloseAsync(LayerSite site, CancellationToken cancellationToken) => new(Plan.Of(new CloseLuks(Of(site))));

    /// <inheritdoc/>
    public ValueTask<Plan> PlanGrowAsync(LayerSite site, CancellationToken cancellationToken) => new(Plan.Of(new GrowLuks(Of(site))));

    /// <inheritdoc/>
    public ValueTask<Plan> PlanEraseAsync(LayerSite site, CancellationToken cancellationToken) => new(Plan.Of(new EraseLuks(Of(site))));

    /// <inheritdoc/>
    public ValueTask<KeyName?> FindKeyAsync(LayerSite site, CancellationToken cancellationToken)
        => new(Of(site) is { IsThere: true } device && device.FindHeader() is { Mark: not null, Keys: > 0 } ? device.KeyNames[0] : default(KeyName?));

    /// <inheritdoc/>
    public ValueTask<Plan> PlanRekeyAsync(LayerSite site, KeyName newKey, CancellationToken cancellationToken)
    {
        IEnumerable<KeyName> names = (Of(site) is { IsThere: true } there ? there.KeyNames : []).Append(Of(site).Key);
        LuksDevice device = Of(site with { Key = names.Cast<KeyName?>().FirstOrDefault(name => name != newKey) ?? newKey });
        return new(Plan.Of(new AddLuksKey(device, newKey), new RemoveLuksKey(device, newKey)));
    }

    private LuksDevice Of(LayerSite site) => new(site, options, keys);
}
