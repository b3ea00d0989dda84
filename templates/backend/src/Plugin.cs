using EveStorage;
using Microsoft.Extensions.Options;

namespace MyBackend;

/// <summary>What plugin.json names. It registers, and opens and probes nothing.</summary>
public sealed class Plugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
    {
        ArgumentNullException.ThrowIfNull(registrar);
        registrar.AddBackend<BackendOptions>("mybackend", new BackendOptionsRules(), static (options, services) => new Backend(options, services));
    }
}

/// <summary>What a profile may say under Options. Every one of them has a default.</summary>
public sealed class BackendOptions
{
    /// <summary>The largest volume that may be made.</summary>
    public ByteSize LargestVolume { get; set; } = ByteSize.GiB(16 * 1024);
}

/// <summary>Says every wrong value at once. The host asks before it makes the backend.</summary>
internal sealed class BackendOptionsRules : IValidateOptions<BackendOptions>
{
    public ValidateOptionsResult Validate(string? name, BackendOptions options)
        => options.LargestVolume >= ByteSize.MiB(1)
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail($"{nameof(BackendOptions.LargestVolume)}: must be at least 1MiB");
}
