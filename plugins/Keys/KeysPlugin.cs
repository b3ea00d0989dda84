namespace EveStorage.Keys;

/// <summary>Registers the sources of keys that need no hardware.</summary>
public sealed class KeysPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
    {
        ArgumentNullException.ThrowIfNull(registrar);
        registrar.AddKeyProvider<FileKeysOptions>("key-file", new FileKeysOptionsValidator(), static (options, _) => new FileKeys(options));
        registrar.AddKeyProvider<CredentialKeysOptions>(
            "key-credential", new CredentialKeysOptionsValidator(), static (options, _) => new CredentialKeys(options));

        // A pipe gives its key once, whichever part of the host asks first: all that are made of this plugin share what came.
        InheritedKeys inherited = new();
        registrar.AddKeyProvider<DescriptorKeysOptions>(
            "key-descriptor", new DescriptorKeysOptionsValidator(), (options, services) => new DescriptorKeys(options, inherited, services.Time));
    }
}
