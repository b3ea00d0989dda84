using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EveStorage;

/// <summary>The entry type a plugin's manifest names. It only registers; it opens, probes and loads nothing.</summary>
public interface IStoragePlugin
{
    /// <summary>Adds what the plugin provides.</summary>
    void Register(IPluginRegistrar registrar);
}

/// <summary>Takes a plugin's parts. The host binds and validates the options before it calls a factory.</summary>
public interface IPluginRegistrar
{
    /// <summary>Adds a kind of backend.</summary>
    void AddBackend<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IStorageBackend> create)
        where TOptions : class, new();

    /// <summary>Adds a kind of transport.</summary>
    void AddTransport<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IVolumeTransport> create)
        where TOptions : class, new();

    /// <summary>Adds a kind of layer.</summary>
    void AddLayer<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IVolumeLayer> create)
        where TOptions : class, new();

    /// <summary>Adds a kind of key provider.</summary>
    void AddKeyProvider<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IKeyProvider> create)
        where TOptions : class, new();

    /// <summary>Adds a kind of front end.</summary>
    void AddFrontEnd<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IFrontEnd> create)
        where TOptions : class, new();

    /// <summary>Adds an image format. It has no options: its limits are part of the format. It is made in workers, which read images, and in the host, which writes them.</summary>
    void AddImageFormat(string kind, Func<PluginServices, IImageFormat> create);
}

/// <summary>
/// What the host lends a plugin's parts. What a later contract adds is null where a host has none: a part does without it. Image formats are made
/// in a process without rights, where nothing of it leads anywhere: they have the source that they are given, and that alone.
/// </summary>
public sealed record PluginServices
{
    /// <summary>Loggers.</summary>
    public required ILoggerFactory Loggers { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>Where what happens outside of an operation is told.</summary>
    public required IEventSink Events { get; init; }

    /// <summary>The part's name in the profile: of the pool, of the transport, of the front end; what it is, such as <c>keys</c>, where it has none.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// The devices that the profile declares for the pool: a backend opens the pool on them. Where a layer lies under the pool
    /// they are what it shows above them. Empty for other parts.
    /// </summary>
    public IReadOnlyList<string> Devices { get; init; } = [];

    /// <summary>Where keys come from; null where the profile declares no source of keys, for such a source itself, and for image formats.</summary>
    public IKeyProvider? Keys { get; init; }
}
