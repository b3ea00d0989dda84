using EveStorage.Host.Profiles;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace EveStorage.Host.Plugins;

/// <summary>Takes what one plugin registers. It makes none of it.</summary>
internal sealed class PartRegistry(string plugin) : IPluginRegistrar
{
    /// <summary>Its backends.</summary>
    internal List<PluginPart<IStorageBackend>> Backends { get; } = [];

    /// <summary>Its transports.</summary>
    internal List<PluginPart<IVolumeTransport>> Transports { get; } = [];

    /// <summary>Its layers.</summary>
    internal List<PluginPart<IVolumeLayer>> Layers { get; } = [];

    /// <summary>Its key providers.</summary>
    internal List<PluginPart<IKeyProvider>> KeyProviders { get; } = [];

    /// <summary>Its front ends.</summary>
    internal List<PluginPart<IFrontEnd>> FrontEnds { get; } = [];

    /// <summary>Its image formats, by kind.</summary>
    internal List<(string Kind, Func<PluginServices, IImageFormat> Create)> ImageFormats { get; } = [];

    /// <summary>All of it as a manifest names it.</summary>
    internal IEnumerable<string> Kinds =>
        [
            .. Backends.Select(part => $"backend:{part.Kind}"),
            .. Transports.Select(part => $"transport:{part.Kind}"),
            .. Layers.Select(part => $"layer:{part.Kind}"),
            .. KeyProviders.Select(part => $"keys:{part.Kind}"),
            .. FrontEnds.Select(part => $"front:{part.Kind}"),
            .. ImageFormats.Select(part => $"image:{part.Kind}"),
        ];

    /// <inheritdoc/>
    public void AddBackend<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IStorageBackend> create)
        where TOptions : class, new() => Backends.Add(Part(kind, rules, create));

    /// <inheritdoc/>
    public void AddTransport<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IVolumeTransport> create)
        where TOptions : class, new() => Transports.Add(Part(kind, rules, create));

    /// <inheritdoc/>
    public void AddLayer<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IVolumeLayer> create)
        where TOptions : class, new() => Layers.Add(Part(kind, rules, create));

    /// <inheritdoc/>
    public void AddKeyProvider<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IKeyProvider> create)
        where TOptions : class, new() => KeyProviders.Add(Part(kind, rules, create));

    /// <inheritdoc/>
    public void AddFrontEnd<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IFrontEnd> create)
        where TOptions : class, new() => FrontEnds.Add(Part(kind, rules, create));

    /// <inheritdoc/>
    public void AddImageFormat(string kind, Func<PluginServices, IImageFormat> create) => ImageFormats.Add((kind, create));

    private PluginPart<T> Part<TOptions, T>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, T> create)
        where TOptions : class, new()
        => new(
            plugin,
            kind,
            (section, problems) => OptionsReader.Read(section, rules, problems),
            (section, services) =>
            {
                Problems problems = new();
                TOptions options = OptionsReader.Read(section, rules, problems);
                problems.ThrowIfAny(section.Path);
                return create(options, services);
            });
}
