using EveStorage.Cli.Profiles;
using Microsoft.Extensions.Configuration;

namespace EveStorage.Host.Profiles;

/// <summary>A profile as read: what is where on this machine, and which parts do the work.</summary>
internal sealed record Profile
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The files it was read from, lowest first.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>What it was read from, as a number: <see cref="ProfileSource.Fingerprint"/>.</summary>
    public string? Configuration { get; init; }

    /// <summary>What has to be asked for to read it again: <see cref="ProfileSource.Asked"/>.</summary>
    public string? Asked { get; init; }

    /// <summary>Everything in it, as merged.</summary>
    public required IConfigurationRoot Source { get; init; }

    /// <summary>Which plugins, and from where.</summary>
    public required PluginsOptions Plugins { get; init; }

    /// <summary>The pools it declares.</summary>
    public required IReadOnlyDictionary<PoolName, PoolOptions> Pools { get; init; }

    /// <summary>The transports it declares.</summary>
    public required IReadOnlyDictionary<string, PartOptions> Transports { get; init; }

    /// <summary>The front ends it declares.</summary>
    public required IReadOnlyDictionary<string, PartOptions> FrontEnds { get; init; }

    /// <summary>Where keys come from; null when it declares nothing.</summary>
    public PartOptions? Keys { get; init; }

    /// <summary>What images may do.</summary>
    public required ImagesOptions Images { get; init; }

    /// <summary>How long operations are waited for.</summary>
    public required OperationsOptions Operations { get; init; }

    /// <summary>File systems of services.</summary>
    public required FileSystemsOptions FileSystems { get; init; }

    /// <summary>What files say is to be here.</summary>
    public required DesiredOptions Desired { get; init; }

    /// <summary>The strategies that it chooses.</summary>
    public required StrategyOptions Strategies { get; init; }

    /// <summary>The daemon's socket.</summary>
    public required ApiOptions Api { get; init; }

    /// <summary>Where operations are journaled.</summary>
    public required string State { get; init; }

    /// <summary>Where locks and sockets are, until a reboot.</summary>
    public required string Run { get; init; }
}
