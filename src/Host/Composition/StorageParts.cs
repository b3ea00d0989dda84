using EveStorage.Host.FileSystems;
using EveStorage.Host.Lazy;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EveStorage.Host.Composition;

/// <summary>What a profile declares, made of what the plugins provide. Each part is made once, when it is first asked for.</summary>
internal sealed class StorageParts(Profile profile, PluginCatalog catalog, TakenDrives taken, IServiceProvider services) : IAsyncDisposable
{
    private readonly Dictionary<PoolName, (IReadOnlyList<string> Devices, IStorageBackend Backend)> _backends = [];
    private readonly Dictionary<PoolName, IReadOnlyList<PlacedLayer>> _layers = [];
    private readonly Dictionary<string, IVolumeTransport> _transports = [];
    private IKeyProvider? _keys;
    private readonly Lock _lock = new();

    /// <summary>The names of the declared transports.</summary>
    internal IEnumerable<string> TransportNames => profile.Transports.Keys;

    /// <summary>The names of the declared front ends.</summary>
    internal IEnumerable<string> FrontEndNames => profile.FrontEnds.Keys;

    /// <summary>Makes a declared front end, which the caller disposes.</summary>
    /// <exception cref="StorageException">No usable plugin provides its kind, or its options are wrong.</exception>
    internal IFrontEnd MakeFrontEnd(string name)
        => PartOf(catalog.FrontEnds, "front end", profile.FrontEnds[name].Kind).Create(profile.FrontEnds[name].Options, ServicesFor(name));

    /// <summary>The pools that are declared.</summary>
    internal IEnumerable<PoolName> PoolNames => profile.Pools.Keys;

    /// <summary>What every volume has by the profile's strategies, asked for or not.</summary>
    internal VolumeTraits StandardTraits => profile.Strategies.Encryption == "none" ? VolumeTraits.None : VolumeTraits.Encrypted;

    /// <summary>What a volume has to have: what is asked for, and the strategies' own. Thin is a wish: a pool that only takes space at once gives more than that.</summary>
    internal VolumeTraits TraitsFor(IStoragePool pool, VolumeTraits asked)
        => (asked & (pool.Capabilities.Traits | ~VolumeTraits.Thin)) | StandardTraits;

    /// <summary>What the profile says of a pool.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: it declares none of that name.</exception>
    internal PoolOptions OptionsOf(PoolName pool)
        => profile.Pools.TryGetValue(pool, out PoolOptions? options)
            ? options
            : throw new StorageException(
                StorageErrorKind.NotFound, $"{pool}", $"is no pool of profile {profile.Name}, which declares {Listed(profile.Pools.Keys.Select(name => $"{name}"))}");

    /// <summary>The backend of a declared pool.</summary>
    /// <exception cref="StorageException">No such pool is declared, no plugin provides its kind, or its options are wrong.</exception>
    internal IStorageBackend BackendOf(PoolName pool)
    {
        PoolOptions options = OptionsOf(pool);
        IReadOnlyList<string> devices = [.. DevicesOf(pool).Select(stack => stack.Path)];
        lock (_lock)
        {
            // What a pool is made of may change while this runs: who opens it next is told of all.
            if (!_backends.TryGetValue(pool, out (IReadOnlyList<string> Devices, IStorageBackend Backend) there) || !there.Devices.SequenceEqual(devices))
            {
                IStorageBackend made = PartOf(catalog.Backends, "backend", options.Kind).Create(options.Options, ServicesFor($"{pool}") with { Devices = devices });
                there = (devices, ActivatorUtilities.CreateInstance<TimedBackend>(services, made));
                _backends[pool] = there;
            }

            return there.Backend;
        }
    }

    /// <summary>A declared transport, or the only one.</summary>
    /// <exception cref="StorageException">There is none of that name, or none was named and there are several.</exception>
    internal (string Name, IVolumeTransport Transport) TransportOf(string? name)
    {
        string found = name ?? (profile.Transports.Count == 1
            ? profile.Transports.Keys.First()
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, "transport", profile.Transports.Count == 0
                ? $"is none in profile {profile.Name}: declare one under Transports"
                : $"has to be named: profile {profile.Name} declares {Listed(TransportNames)}"));
        if (!profile.Transports.TryGetValue(found, out PartOptions? options))
        {
            throw new StorageException(StorageErrorKind.NotFound, found, $"is no transport of profile {profile.Name}, which declares {Listed(TransportNames)}");
        }

        lock (_lock)
        {
            if (!_transports.TryGetValue(found, out IVolumeTransport? transport))
            {
                transport = PartOf(catalog.Transports, "transport", options.Kind).Create(options.Options, ServicesFor(found));
                _transports.Add(found, transport);
            }

            return (found, transport);
        }
    }

    /// <summary>The transports that were made: only those can export anything that ends with this process.</summary>
    internal IReadOnlyList<(string Name, IVolumeTransport Transport)> MadeTransports()
    {
        lock (_lock)
        {
            return [.. _transports.Select(pair => (pair.Key, pair.Value))];
        }
    }

    /// <summary>Checks the declared parts' kinds and options, making none of them.</summary>
    internal static void Check(Profile profile, PluginCatalog catalog, Problems problems)
    {
        foreach ((PoolName name, PoolOptions pool) in profile.Pools)
        {
            Check($"Pools:{name}", pool, catalog.Backends, problems);
            foreach (LayerOptions layer in pool.Layers)
            {
                Check($"Pools:{name}:Layers", layer, catalog.Layers, problems);
            }
        }

        if (profile.Keys is PartOptions keys)
        {
            Check("Keys", keys, catalog.KeyProviders, problems);
        }

        foreach ((string name, PartOptions transport) in profile.Transports)
        {
            Check($"Transports:{name}", transport, catalog.Transports, problems);
        }

        foreach ((string name, PartOptions front) in profile.FrontEnds)
        {
            Check($"FrontEnds:{name}", front, catalog.FrontEnds, problems);
        }
    }

    /// <summary>The layers of a pool, in the profile's order.</summary>
    internal IReadOnlyList<PlacedLayer> LayersOf(PoolName pool)
    {
        PoolOptions options = OptionsOf(pool);
        lock (_lock)
        {
            if (!_layers.TryGetValue(pool, out IReadOnlyList<PlacedLayer>? layers))
            {
                layers = [.. options.Layers.Select(layer => new PlacedLayer(
                    layer.Kind, PartOf(catalog.Layers, "layer", layer.Kind).Create(layer.Options, ServicesFor($"{pool}")), layer.Placement, layer.Key.Length == 0 ? null : layer.Key))];
                _layers.Add(pool, layers);
            }

            return layers;
        }
    }

    /// <summary>The layers under a pool, a stack for each of its devices: those of the profile, and those that were taken in since.</summary>
    internal IReadOnlyList<LayerStack> DevicesOf(PoolName pool) => DeviceStacks.Of(pool, NamesOf(pool), LayersOf(pool));

    /// <summary>The same of those that the profile declares, which a pool is made of at first.</summary>
    internal IReadOnlyList<LayerStack> DeclaredDevicesOf(PoolName pool) => DeviceStacks.Of(pool, OptionsOf(pool).Devices, LayersOf(pool));

    /// <summary>The layers on a device that is to come under a pool, with the keys that its other devices have by now.</summary>
    internal async Task<LayerStack> DeviceOfAsync(PoolName pool, string device, CancellationToken cancellationToken)
    {
        IReadOnlyList<LayerStack> others = DevicesOf(pool);
        string name = others.FirstOrDefault(other => DeviceNames.AreSame(other.Device, device))?.Device ?? DeviceNames.Lasting(device);
        return DeviceStacks.Of(pool, [name], LayersOf(pool), await PoolKeys.SaidAsync(others.Where(other => other.Device != name), cancellationToken))[0];
    }

    // What is open has its name from here. So one that was taken in keeps its name when the profile comes to name it too, in another way.
    private List<string> NamesOf(PoolName pool)
    {
        List<string> names = [.. OptionsOf(pool).Devices];
        foreach (TakenDrive drive in taken.Of(pool))
        {
            int same = names.FindIndex(name => DeviceNames.AreSame(name, drive.Device));
            if (same < 0)
            {
                names.Add(drive.Device);
            }
            else
            {
                names[same] = drive.Device;
            }
        }

        return names;
    }

    /// <summary>A volume's layers as its record has them, whatever the profile says today. An image that it lies over is none of these.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Unavailable"/>: no usable plugin provides one of them.</exception>
    internal LayerStack StackOf(IStoragePool pool, VolumeName volume, Guid id, VolumeRecord? record)
        => LayerStack.OverVolume(
            pool, volume, id, ImageLayer.Others(record?.Layers ?? []).Select(layer => (RecordedLayer(pool, volume, layer.Kind), layer)), MountPoints.SpecOf(record?.Mount, profile));

    /// <summary>Layers that are to come over a volume, and where their file system is to be mounted.</summary>
    internal LayerStack StackOf(IStoragePool pool, VolumeName volume, Guid id, IEnumerable<(IVolumeLayer Layer, LayerRecord Record)> layers, MountRecord? mount)
        => LayerStack.OverVolume(pool, volume, id, layers, MountPoints.SpecOf(mount, profile));

    /// <summary>The kinds of file system that a pool can have, the one that is made where none is named first: its own, then its layers'.</summary>
    internal IReadOnlyList<string> FileSystemKindsOf(IStoragePool pool)
        => [
            .. pool is IFileSystemPool native ? (string[])[native.FileSystems.Kind] : [],
            .. LayersOf(pool.Name).Where(placed => placed.Layer.Capabilities.Above == VolumeForm.FileSystem).Select(placed => placed.Kind),
        ];

    /// <summary>Where keys come from.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.InvalidConfiguration"/>: the profile declares nothing.</exception>
    internal IKeyProvider RequireKeys()
        => Keys ?? throw new StorageException(StorageErrorKind.InvalidConfiguration, profile.Name, "declares no source of keys: add Keys with a Kind, such as key-file");

    /// <summary>Where keys come from; null when the profile declares nothing.</summary>
    internal IKeyProvider? Keys
    {
        get
        {
            lock (_lock)
            {
                return profile.Keys is not PartOptions options
                    ? null
                    : _keys ??= PartOf(catalog.KeyProviders, "key provider", options.Kind).Create(options.Options, BareServices("keys"));
            }
        }
    }

    // The profile's layer of that kind has the options; one that it no longer has is made with none.
    private IVolumeLayer RecordedLayer(IStoragePool pool, VolumeName volume, string kind)
        => pool is IFileSystemPool native && native.FileSystems.Kind == kind ? new NativeFileSystem(native, volume)
            : LayersOf(pool.Name).FirstOrDefault(placed => placed.Kind == kind)?.Layer
            ?? PartOf(catalog.Layers, "layer", kind).Create(new ConfigurationBuilder().Build().GetSection("none"), ServicesFor($"{pool.Name}"));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        IReadOnlyList<(string, IVolumeTransport)> made = MadeTransports();
        lock (_lock)
        {
            _transports.Clear();
        }

        foreach ((string _, IVolumeTransport transport) in made)
        {
            await transport.DisposeAsync();
        }
    }

    private static void Check<T>(string key, PartOptions options, IEnumerable<PluginPart<T>> parts, Problems problems)
    {
        PluginPart<T>[] known = [.. parts];
        if (Array.Find(known, part => part.Kind == options.Kind) is PluginPart<T> part)
        {
            part.Check(options.Options, problems);
        }
        else if (options.Kind.Length > 0)
        {
            problems.Add($"{key}:{nameof(PartOptions.Kind)}", $"'{options.Kind}' is provided by no usable plugin; there are {Listed(known.Select(other => other.Kind))}");
        }
    }

    private static PluginPart<T> PartOf<T>(IEnumerable<PluginPart<T>> parts, string what, string kind)
        => parts.FirstOrDefault(part => part.Kind == kind)
            ?? throw new StorageException(StorageErrorKind.Unavailable, $"{what} {kind}", "is provided by no usable plugin: see `evestorage plugin list`");

    private static string Listed(IEnumerable<string> names) => names.Any() ? string.Join(", ", names.Order(StringComparer.Ordinal)) : "none";

    private PluginServices ServicesFor(string name) => BareServices(name) with { Keys = Keys };

    private PluginServices BareServices(string name) => new()
    {
        Loggers = services.GetRequiredService<ILoggerFactory>(),
        Time = services.GetRequiredService<TimeProvider>(),
        Events = services.GetRequiredService<IEventSink>(),
        Name = name,
    };
}
