using System.Reflection;

namespace EveStorage.Host.Plugins;

/// <summary>
/// The versions of the contract whose plugins this host runs. Within a major version the contract only grows, so these are all of its
/// own down to the first. Its own is that of the contract's assembly: it stands in eng/Contract.props and nowhere else.
/// </summary>
internal sealed record ContractRange(Version Oldest, Version Newest)
{
    /// <summary>This host's.</summary>
    internal static ContractRange Ours { get; } = Of(typeof(IStoragePlugin).Assembly.GetName());

    /// <summary>Whether a plugin that was built against <paramref name="contract"/> runs here.</summary>
    internal bool Includes(Version contract) => contract >= Oldest && contract <= Newest;

    /// <inheritdoc/>
    public override string ToString() => Oldest == Newest ? $"{Newest}" : $"{Oldest} to {Newest}";

    private static ContractRange Of(AssemblyName contract) => new(new(contract.Version!.Major, 0), new(contract.Version.Major, contract.Version.Minor));
}
