using Microsoft.Extensions.Configuration;

namespace EveStorage.Host.Profiles;

/// <summary>Which plugins are loaded.</summary>
internal sealed class PluginsOptions
{
    /// <summary>The directories they are looked for in; the one beside the program comes first.</summary>
    public List<string> Directories { get; set; } = [];

    /// <summary>The ids of those that are loaded.</summary>
    public List<string> Enabled { get; set; } = [];

    /// <summary>The hash that a plugin's folder must have, by id.</summary>
    public Dictionary<string, string> Pins { get; set; } = [];
}

/// <summary>A part that a profile declares: its kind, and the options its plugin reads.</summary>
internal class PartOptions
{
    /// <summary>The kind that a plugin registers.</summary>
    public string Kind { get; set; } = "";

    /// <summary>The options as written. They are its plugin's to read.</summary>
    public required IConfigurationSection Options { get; set; }
}

/// <summary>A pool that a profile declares.</summary>
internal sealed class PoolOptions : PartOptions
{
    /// <summary>The devices or directories that it is made of.</summary>
    public List<string> Devices { get; set; } = [];

    /// <summary>What it must survive.</summary>
    public PoolRedundancy Redundancy { get; set; }

    /// <summary>How often all that it holds is checked against its redundancy; zero for when it is asked for alone.</summary>
    public TimeSpan ScrubEvery { get; set; }

    /// <summary>How often its drives are told what is not used; zero for when it is asked for alone.</summary>
    public TimeSpan TrimEvery { get; set; }

    /// <summary>The layers that fill in what its backend lacks, in their order.</summary>
    public IReadOnlyList<LayerOptions> Layers { get; set; } = [];
}

/// <summary>A layer of a pool.</summary>
internal sealed class LayerOptions : PartOptions
{
    /// <summary>Where it sits.</summary>
    public LayerPlacement Placement { get; set; } = LayerPlacement.OverVolume;

    /// <summary>The name of its key under a pool; empty for one that is named after the pool. Over a volume each has its own.</summary>
    public string Key { get; set; } = "";
}

/// <summary>The strategies that a profile chooses.</summary>
internal sealed class StrategyOptions
{
    internal const string UnderPool = "luks2-under-pool";
    internal const string OverVolume = "luks2-over-volume";

    /// <summary>How data at rest is encrypted.</summary>
    public string Encryption { get; set; } = "none";

    /// <summary>How data is compressed.</summary>
    public string Compression { get; set; } = "none";

    /// <summary>How an image becomes a volume.</summary>
    public string Conversion { get; set; } = "eager";
}

/// <summary>The daemon's socket.</summary>
internal sealed class ApiOptions
{
    /// <summary>Its path; empty for the one in the run directory.</summary>
    public string Socket { get; set; } = "";

    /// <summary>The group that may use it beside root; empty for nobody.</summary>
    public string Group { get; set; } = "";
}

/// <summary>File systems of services.</summary>
internal sealed class FileSystemsOptions
{
    /// <summary>The directory beneath which they are mounted; empty for the one in the run directory.</summary>
    public string Directory { get; set; } = "";

    /// <summary>How often what is free in them is given back to their pools; nothing for never.</summary>
    public TimeSpan Trim { get; set; } = TimeSpan.FromDays(1);
}

/// <summary>What files say is to be here.</summary>
internal sealed class DesiredOptions
{
    /// <summary>The directory whose files the daemon applies; empty for none.</summary>
    public string Directory { get; set; } = "";

    /// <summary>The directories beneath which such files may name images.</summary>
    public List<string> Images { get; set; } = [];
}

/// <summary>Operations.</summary>
internal sealed class OperationsOptions
{
    /// <summary>How long a step may say nothing of its progress before it is told to stop, and undone.</summary>
    public TimeSpan Stall { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long it may then go on before it is left alone, and its pool takes no more changes.</summary>
    public TimeSpan Stop { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>Images.</summary>
internal sealed class ImagesOptions
{
    /// <summary>The directory beneath which images may name backing files and data files; empty for nowhere.</summary>
    public string Directory { get; set; } = "";

    /// <summary>What the URLs begin with that are fetched for anybody who may use the API; root and the host's own user may name any.</summary>
    public List<string> Urls { get; set; } = [];

    /// <summary>How long a server may send nothing before it is asked again.</summary>
    public TimeSpan Stall { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a server is asked again, once something came, while nothing more does.</summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long what an import had copied when it was cut short is kept, for the same import to go on with.</summary>
    public TimeSpan Keep { get; set; } = TimeSpan.FromDays(1);

    /// <summary>How much of an image is copied in a second behind a volume that is used meanwhile; nothing for as much as there is.</summary>
    public ByteSize LazyRate { get; set; }

    /// <summary>Whether a worker is kept started for the next image, which takes its memory all the time.</summary>
    public bool ReadyWorker { get; set; }
}
