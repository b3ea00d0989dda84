using Microsoft.Extensions.Options;

namespace EveStorage;

/// <summary>Serves something of its own while the daemon runs, such as container layers to containerd. Constructing one touches nothing.</summary>
public interface IFrontEnd : IAsyncDisposable
{
    /// <summary>Everything missing on this machine; empty when usable. It only looks.</summary>
    ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken);

    /// <summary>Starts it. It answers once this returns, until it is disposed. One that failed may be started again.</summary>
    /// <exception cref="StorageException">It can't, and leaves nothing.</exception>
    ValueTask StartAsync(CancellationToken cancellationToken);
}

/// <summary>A registrar of a host that has front ends; one of an older host is none.</summary>
public interface IFrontEndRegistrar : IPluginRegistrar
{
    /// <summary>Adds a kind of front end.</summary>
    void AddFrontEnd<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IFrontEnd> create)
        where TOptions : class, new();
}
