using Microsoft.Extensions.Options;

namespace EveStorage.Fixtures;

/// <summary>None.</summary>
public sealed class ShelfOptions;

internal sealed class ShelfOptionsRules : IValidateOptions<ShelfOptions>
{
    public ValidateOptionsResult Validate(string? name, ShelfOptions options) => ValidateOptionsResult.Success;
}

/// <summary>
/// Pools of several drives for tests of the host, on a kernel without device-mapper: a drive is a directory, and a file in it says of
/// which pool it is and what the others are. They hold no volumes.
/// </summary>
public sealed class ShelfPoolPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar) => registrar.AddBackend("shelf", new ShelfOptionsRules(), static (_, services) => new ShelfBackend(services));
}
