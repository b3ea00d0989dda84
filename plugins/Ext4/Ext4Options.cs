using EveStorage.FileSystems;
using Microsoft.Extensions.Options;

namespace EveStorage.Ext4;

/// <summary>How ext4 is mounted.</summary>
public sealed class Ext4Options : FileSystemOptions;

/// <summary>Each value that can be bound is right.</summary>
internal sealed class Ext4OptionsValidator : IValidateOptions<Ext4Options>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, Ext4Options options) => ValidateOptionsResult.Success;
}
