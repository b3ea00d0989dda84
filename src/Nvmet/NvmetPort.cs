namespace EveStorage.Nvmet;

/// <summary>Where the kernel's target listens.</summary>
/// <param name="Transport"><c>tcp</c> or <c>loop</c>.</param>
/// <param name="Family"><c>ipv4</c> or <c>ipv6</c>; empty for loop.</param>
/// <param name="Address">The IP address; for loop a name, which initiators of this machine ask for.</param>
/// <param name="Service">The TCP port; empty for loop.</param>
public sealed record PortAddress(string Transport, string Family, string Address, string Service)
{
    /// <summary>The address of nvme-loop: this machine.</summary>
    public static PortAddress Loop { get; } = new("loop", "", "evestorage", "");

    /// <summary>The attributes that say it.</summary>
    internal IEnumerable<(string Name, string Value)> Attributes
        => new[] { ("addr_trtype", Transport), ("addr_adrfam", Family), ("addr_traddr", Address), ("addr_trsvcid", Service) }.Where(a => a.Item2.Length > 0);

    /// <inheritdoc/>
    public override string ToString() => Family switch
    {
        "" => $"{Transport} {Address}",
        "ipv6" => $"{Transport} [{Address}]:{Service}",
        _ => $"{Transport} {Address}:{Service}",
    };
}

/// <summary>A port as the kernel has it.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Address">Its address; null when none is set, as just after it was made.</param>
/// <param name="Subsystems">What is served there, also what is not ours.</param>
public sealed record NvmetPort(int Id, PortAddress? Address, IReadOnlyList<string> Subsystems)
{
    /// <summary>
    /// The numbers of our ports. A port has no room for a mark, so one within the range is ours and one outside is someone
    /// else's: the range is far from where people and tools begin to count.
    /// </summary>
    public static Range OwnIds { get; } = 0xE500..0xE600;

    /// <summary>Whether it is one of ours.</summary>
    public bool IsOurs => Id >= OwnIds.Start.Value && Id < OwnIds.End.Value;
}

/// <summary>A namespace as the kernel has it.</summary>
/// <param name="Subsystem">The subsystem it is in.</param>
/// <param name="Number">Its number there.</param>
/// <param name="Id">Its UUID: the volume's id.</param>
/// <param name="DevicePath">What it is on; null when nothing is set.</param>
/// <param name="Enabled">Whether hosts see it.</param>
public sealed record NvmetNamespace(Nqn Subsystem, int Number, Guid Id, string? DevicePath, bool Enabled);
