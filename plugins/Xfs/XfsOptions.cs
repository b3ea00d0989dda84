using EveStorage.FileSystems;
using Microsoft.Extensions.Options;

namespace EveStorage.Xfs;

/// <summary>How xfs is mounted.</summary>
public sealed class XfsOptions : FileSystemOptions;

/// <summary>Each value that can be bound is right.</summary>
internal sealed class XfsOptionsValidator : IValidateOptions<XfsOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, XfsOptions options) => ValidateOptionsResult.Success;
}
