namespace EveStorage.NvmetUser;

/// <summary>A volume as it is served.</summary>
/// <param name="Spec">As asked for.</param>
/// <param name="Access">How its blocks are opened.</param>
/// <param name="Volume">Its open blocks.</param>
/// <param name="Secrets">What its hosts have to prove.</param>
/// <param name="Operation">The operation that made it so.</param>
/// <param name="Before">What it was before that operation; null when it was not.</param>
internal sealed record Export(ExportSpec Spec, VolumeAccess Access, ServedVolume Volume, HostSecrets Secrets, Guid Operation, Export? Before)
{
    private readonly HashSet<string> _hosts = [.. Spec.AllowedHosts.Select(h => $"{h.Host}")];

    /// <summary>The subsystem's name, as a host writes it.</summary>
    internal string Subsystem { get; } = $"{Spec.Subsystem}";

    /// <summary>The most it may do; null for no limit.</summary>
    internal RateLimit? Limit { get; init; }

    /// <summary>NSID.</summary>
    internal uint NamespaceId => (uint)Spec.NamespaceId;

    /// <summary>Whether <paramref name="host"/> sees it.</summary>
    internal bool Allows(string host) => _hosts.Contains(host);

    /// <summary>The host as it is allowed; null when it is not.</summary>
    internal AllowedHost? AllowedHostOf(string host) => Spec.AllowedHosts.FirstOrDefault(h => $"{h.Host}" == host);

    /// <summary>Whether it is served as <paramref name="spec"/> asks; who is allowed has no order.</summary>
    internal bool Is(ExportSpec spec)
        => spec.Subsystem == Spec.Subsystem
            && spec.NamespaceId == Spec.NamespaceId
            && spec.ReadOnly == Spec.ReadOnly
            && spec.Limits == Spec.Limits
            && spec.AllowedHosts.ToHashSet().SetEquals(Spec.AllowedHosts);
}
