using Microsoft.Extensions.Options;

namespace EveStorage.Keys;

/// <summary>Where systemd put its credentials.</summary>
public sealed class CredentialKeysOptions
{
    /// <summary>Their directory; when absent <c>$CREDENTIALS_DIRECTORY</c>, which systemd sets for the unit.</summary>
    public string? Directory { get; set; }
}

/// <summary>Says what is wrong, with what is allowed.</summary>
internal sealed class CredentialKeysOptionsValidator : IValidateOptions<CredentialKeysOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, CredentialKeysOptions options)
    {
        ValidateOptionsResultBuilder result = new();
        if (options.Directory is string directory && !FileKeysOptionsValidator.IsPlace(directory))
        {
            result.AddError("must be an absolute path, or absent for $CREDENTIALS_DIRECTORY", nameof(CredentialKeysOptions.Directory));
        }

        return result.Build();
    }
}

/// <summary>Keys that systemd hands to its unit: <c>LoadCredential=</c>, or <c>LoadCredentialEncrypted=</c>, which a TPM may seal. Read only.</summary>
internal sealed class CredentialKeys(CredentialKeysOptions options) : IKeyProvider
{
    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken)
        => new(Find() is string directory && Directory.Exists(directory)
            ? []
            : ["no credentials: $CREDENTIALS_DIRECTORY names no directory; set LoadCredential= in the unit"]);

    /// <inheritdoc/>
    public IAsyncEnumerable<KeyName> ListAsync(CancellationToken cancellationToken)
        => (Find() is string directory && Directory.Exists(directory) ? KeyDirectory.NamesIn(directory) : []).ToAsyncEnumerable();

    /// <inheritdoc/>
    public ValueTask<KeyMaterial> GetAsync(KeyName name, CancellationToken cancellationToken)
        => Find() is string directory && Path.Combine(directory, $"{name}") is string path && File.Exists(path)
            ? new(KeyFile.Read(path, KeyDirectory.Subject(name)))
            : throw new StorageException(
                StorageErrorKind.NotFound, KeyDirectory.Subject(name), $"systemd handed over no credential of that name: add LoadCredential={name}:… to the unit");

    /// <inheritdoc/>
    public ValueTask<Plan> PlanCreateAsync(KeyName name, int length, CancellationToken cancellationToken) => throw NotHere(name);

    /// <inheritdoc/>
    public ValueTask<Plan> PlanDeleteAsync(KeyName name, CancellationToken cancellationToken) => throw NotHere(name);

    private static StorageException NotHere(KeyName name)
        => new(StorageErrorKind.NotSupported, KeyDirectory.Subject(name), "credentials are systemd's: make and remove it where the unit loads it from");

    private string? Find() => options.Directory ?? Environment.GetEnvironmentVariable("CREDENTIALS_DIRECTORY");
}
