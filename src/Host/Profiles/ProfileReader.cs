using EveStorage.Cli.Profiles;
using Microsoft.Extensions.Configuration;

namespace EveStorage.Host.Profiles;

/// <summary>Reads a profile's own keys. What stands under an <c>Options</c> is a plugin's, and is checked once that is loaded.</summary>
internal static class ProfileReader
{
    private static readonly string[] s_keys = ["Api", "Compression", "Conversion", "Desired", "Encryption", "EncryptionOptions", "FileSystems", "FrontEnds", "Images", "Keys", "Operations", "Plugins", "Pools", "Profile", "Run", "State", "Transports"];

    // What this version carries out. One that nothing carries out is refused: data at rest that is silently not encrypted is worse than an error.
    private static readonly string[] s_encryption = ["none", StrategyOptions.UnderPool, StrategyOptions.OverVolume];
    private static readonly string[] s_compression = ["none", "lz4", "zstd", .. Enumerable.Range(1, 19).Select(level => $"zstd-{level}")];
    private static readonly string[] s_conversion = ["eager"];

    /// <summary>Reads <paramref name="source"/> and adds what is wrong to <paramref name="problems"/>.</summary>
    internal static Profile Read(ProfileSource source, Problems problems)
    {
        IConfigurationRoot root = source.Merged;
        string configuration = source.Fingerprint;   // before anything is added
        foreach (IConfigurationSection unknown in root.GetChildren().Where(child => !s_keys.Contains(child.Key, StringComparer.OrdinalIgnoreCase)))
        {
            problems.Add(unknown.Path, $"is no key of a profile; there are {string.Join(", ", s_keys)}");
        }

        CompressionOption.Set(root);
        StandardPaths paths = StandardPaths.ForCaller();
        string state = root["State"] ?? paths.State;
        ApiOptions api = new();
        OptionsReader.ReadInto(root.GetSection("Api"), api, problems);
        ImagesOptions images = new();
        OptionsReader.ReadInto(root.GetSection("Images"), images, problems);
        string run = source.Run;
        foreach ((string key, string path) in new[] { ("State", state), ("Run", run) })
        {
            if (!Path.IsPathRooted(path))
            {
                problems.Add(key, $"'{path}' has to be an absolute path: a daemon and a command have different working directories");
            }
        }

        CheckImages(images, problems);
        OperationsOptions operations = ReadOperations(root, problems);
        DesiredOptions desired = new();
        OptionsReader.ReadInto(root.GetSection("Desired"), desired, problems);
        RequireAbsolute("Desired:Directory", desired.Directory.Length == 0 ? [] : [desired.Directory], problems);
        RequireAbsolute("Desired:Images", desired.Images, problems);
        FileSystemsOptions fileSystems = new();
        OptionsReader.ReadInto(root.GetSection("FileSystems"), fileSystems, problems);
        CheckFileSystems(fileSystems, problems);
        fileSystems.Directory = fileSystems.Directory.Length == 0 ? Path.Combine(run, "mounts") : Path.TrimEndingDirectorySeparator(fileSystems.Directory);
        api.Socket = source.Socket;
        return new()
        {
            Name = source.Name,
            Files = source.Files,
            Configuration = configuration,
            Asked = source.Asked,
            Source = root,
            Plugins = ReadPlugins(root.GetSection("Plugins"), problems),
            Pools = EncryptionLayers.Add(ReadPools(root.GetSection("Pools"), state, problems), root),
            Transports = ReadParts(root.GetSection("Transports"), problems),
            FrontEnds = ReadParts(root.GetSection("FrontEnds"), problems),
            Keys = root.GetSection("Keys").Exists() ? ReadPart(root.GetSection("Keys"), problems) : null,
            Images = images,
            Operations = operations,
            FileSystems = fileSystems,
            Desired = desired,
            Strategies = ReadStrategies(root, problems),
            Api = api,
            State = state,
            Run = run,
        };
    }

    private static void RequireAbsolute(string key, IEnumerable<string> paths, Problems problems)
    {
        foreach (string path in paths.Where(path => !Path.IsPathRooted(path)))
        {
            problems.Add(key, $"'{path}' has to be an absolute path");
        }
    }

    private static OperationsOptions ReadOperations(IConfiguration root, Problems problems)
    {
        OperationsOptions operations = new();
        OptionsReader.ReadInto(root.GetSection("Operations"), operations, problems);
        foreach ((string key, TimeSpan limit) in new[] { ("Stall", operations.Stall), ("Stop", operations.Stop) })
        {
            if (limit < TimeSpan.FromSeconds(1) || limit > TimeSpan.FromHours(1))
            {
                problems.Add($"Operations:{key}", "has to be from 1 second to 1 hour");
            }
        }

        return operations;
    }

    private static void CheckImages(ImagesOptions images, Problems problems)
    {
        RequireAbsolute("Images:Directory", images.Directory.Length == 0 ? [] : [images.Directory], problems);

        foreach (string prefix in images.Urls)
        {
            if (!Uri.TryCreate(prefix, UriKind.Absolute, out Uri? url) || url.Scheme is not ("http" or "https") || url.Query.Length > 0 || !prefix.EndsWith('/'))
            {
                problems.Add("Images:Urls", $"'{prefix}' has to be what http or https URLs begin with, and to end with a slash");
            }
        }

        // A step that says nothing for longer is ended.
        if (images.Stall < TimeSpan.FromSeconds(1) || images.Stall > TimeSpan.FromMinutes(1))
        {
            problems.Add("Images:Stall", "has to be from 1 second to 1 minute");
        }

        if (images.Keep < TimeSpan.Zero || images.Keep > TimeSpan.FromDays(365))
        {
            problems.Add("Images:Keep", "has to be from nothing to 365 days");
        }

        if (images.Patience < TimeSpan.Zero || images.Patience > TimeSpan.FromDays(7))
        {
            problems.Add("Images:Patience", "has to be from nothing to 7 days");
        }
    }

    private static void CheckFileSystems(FileSystemsOptions fileSystems, Problems problems)
    {
        if (fileSystems.Directory.Length > 0 && (!Path.IsPathRooted(fileSystems.Directory) || Path.GetFullPath(fileSystems.Directory) is "/"))
        {
            problems.Add("FileSystems:Directory", $"'{fileSystems.Directory}' has to be an absolute path, and not /");
        }

        if (fileSystems.Trim != TimeSpan.Zero && (fileSystems.Trim < TimeSpan.FromMinutes(10) || fileSystems.Trim > TimeSpan.FromDays(365)))
        {
            problems.Add("FileSystems:Trim", "has to be from 10 minutes to 365 days, or nothing for never");
        }
    }

    private static PluginsOptions ReadPlugins(IConfigurationSection section, Problems problems)
    {
        PluginsOptions options = new();
        OptionsReader.ReadInto(section, options, problems, nameof(PluginsOptions.Pins));
        options.Directories.Insert(0, Path.Combine(AppContext.BaseDirectory, "plugins"));
        options.Pins = section.GetSection(nameof(PluginsOptions.Pins)).GetChildren().ToDictionary(pin => pin.Key, pin => pin.Value ?? "");
        OptionsReader.RequireGroup(section.GetSection(nameof(PluginsOptions.Pins)), problems);
        foreach (string pinned in options.Pins.Keys.Where(pinned => !options.Enabled.Contains(pinned)))
        {
            problems.Add($"{section.Path}:{nameof(PluginsOptions.Pins)}:{pinned}", "is pinned and not enabled: a pin of another name holds nothing");
        }

        return options;
    }

    private static Dictionary<PoolName, PoolOptions> ReadPools(IConfigurationSection section, string state, Problems problems)
    {
        Dictionary<PoolName, PoolOptions> pools = [];
        OptionsReader.RequireGroup(section, problems);
        Dictionary<string, string> places = [];
        foreach (IConfigurationSection declared in section.GetChildren())
        {
            PoolOptions options = new() { Options = declared.GetSection(nameof(PartOptions.Options)) };
            OptionsReader.ReadInto(declared, options, problems, nameof(PartOptions.Options), nameof(PoolOptions.Layers));
            options.Devices = [.. options.Devices.Select(device => device.Replace("${State}", state, StringComparison.OrdinalIgnoreCase))];
            OptionsReader.RequireGroup(declared.GetSection(nameof(PoolOptions.Layers)), problems);
            options.Layers = [.. declared.GetSection(nameof(PoolOptions.Layers)).GetChildren().Select(layer => ReadLayer(layer, problems))];
            CheckDevices(declared, options, places, problems);
            CheckSchedule(declared, nameof(PoolOptions.ScrubEvery), options.ScrubEvery, problems);
            CheckSchedule(declared, nameof(PoolOptions.TrimEvery), options.TrimEvery, problems);
            RequireKind(declared, options, problems);
            if (PoolName.TryParse(declared.Key, out PoolName name))
            {
                pools.Add(name, options);
            }
            else
            {
                problems.Add(declared.Path, "is not a pool's name: lower-case letters, digits, dots, hyphens and underscores, 63 at most");
            }
        }

        return pools;
    }

    private static void CheckDevices(IConfigurationSection declared, PoolOptions options, Dictionary<string, string> places, Problems problems)
    {
        string key = $"{declared.Path}:{nameof(PoolOptions.Devices)}";
        foreach (string device in options.Devices)
        {
            if (device.Contains("${", StringComparison.Ordinal))
            {
                problems.Add(key, $"'{device}' has a variable that is none; there is ${{State}}");
            }
            else if (!Path.IsPathRooted(device) && device.Split(':', 2) is not ["serial" or "wwn" or "pci", { Length: > 0 }])
            {
                problems.Add(key, $"'{device}' has to be an absolute path, or serial:, wwn: or pci: and what a drive has as that");
            }
            else if (!places.TryAdd(Path.TrimEndingDirectorySeparator(device), declared.Key))
            {
                problems.Add(key, $"'{device}' is of pool {places[Path.TrimEndingDirectorySeparator(device)]} too: each pool has devices or a directory of its own");
            }
        }
    }

    private static void CheckSchedule(IConfigurationSection declared, string key, TimeSpan every, Problems problems)
    {
        if (every != TimeSpan.Zero && (every < TimeSpan.FromHours(1) || every > TimeSpan.FromDays(366)))
        {
            problems.Add($"{declared.Path}:{key}", "has to be from 01:00:00 to 366.00:00:00, as 30.00:00:00 for 30 days, or 00:00:00 for never");
        }
    }

    private static LayerOptions ReadLayer(IConfigurationSection section, Problems problems)
    {
        LayerOptions options = new() { Options = section.GetSection(nameof(PartOptions.Options)) };
        OptionsReader.ReadInto(section, options, problems, nameof(PartOptions.Options));
        RequireKind(section, options, problems);
        return options;
    }

    private static Dictionary<string, PartOptions> ReadParts(IConfigurationSection section, Problems problems)
    {
        Dictionary<string, PartOptions> parts = [];
        OptionsReader.RequireGroup(section, problems);
        foreach (IConfigurationSection declared in section.GetChildren())
        {
            parts.Add(declared.Key, ReadPart(declared, problems));
        }

        return parts;
    }

    private static PartOptions ReadPart(IConfigurationSection section, Problems problems)
    {
        PartOptions options = new() { Options = section.GetSection(nameof(PartOptions.Options)) };
        OptionsReader.ReadInto(section, options, problems, nameof(PartOptions.Options));
        RequireKind(section, options, problems);
        return options;
    }

    private static StrategyOptions ReadStrategies(IConfigurationRoot root, Problems problems)
    {
        StrategyOptions options = new();
        options.Encryption = Choose(root, nameof(options.Encryption), options.Encryption, s_encryption, problems);
        options.Conversion = Choose(root, nameof(options.Conversion), options.Conversion, s_conversion, problems);
        options.Compression = Choose(root, nameof(options.Compression), options.Compression, s_compression, problems);
        return options;
    }

    private static string Choose(IConfigurationRoot root, string key, string standard, string[] allowed, Problems problems)
    {
        string value = root[key] ?? standard;
        if (!allowed.Contains(value))
        {
            problems.Add(key, $"'{value}' is no choice here; there are: {string.Join(", ", allowed)}");
        }

        return value;
    }

    private static void RequireKind(IConfigurationSection section, PartOptions options, Problems problems)
    {
        if (options.Kind.Length == 0)
        {
            problems.Add($"{section.Path}:{nameof(PartOptions.Kind)}", "is missing: it names what a plugin registers");
        }
    }
}
