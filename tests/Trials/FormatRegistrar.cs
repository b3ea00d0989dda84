using Microsoft.Extensions.Options;

namespace EveStorage.Trials;

/// <summary>Takes a plugin's image format.</summary>
internal sealed class FormatRegistrar : IPluginRegistrar
{
    internal IImageFormat? Format { get; private set; }

    public void AddImageFormat(string kind, Func<PluginServices, IImageFormat> create) => Format = create(null!);

    public void AddBackend<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IStorageBackend> create)
        where TOptions : class, new() => throw new NotSupportedException();

    public void AddTransport<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IVolumeTransport> create)
        where TOptions : class, new() => throw new NotSupportedException();

    public void AddLayer<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IVolumeLayer> create)
        where TOptions : class, new() => throw new NotSupportedException();

    public void AddKeyProvider<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IKeyProvider> create)
        where TOptions : class, new() => throw new NotSupportedException();

    public void AddFrontEnd<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IFrontEnd> create)
        where TOptions : class, new() => throw new NotSupportedException();
}
