namespace EveStorage.Tpm2Keys;

/// <summary>Registers keys that a TPM keeps.</summary>
public sealed class Tpm2KeysPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
    {
        ArgumentNullException.ThrowIfNull(registrar);
        registrar.AddKeyProvider<Tpm2KeysOptions>("key-tpm2", new Tpm2KeysOptionsValidator(), static (options, services) => new TpmKeys(options, services.Time));
    }
}
