using Microsoft.Extensions.Options;

namespace EveStorage.Keys;

/// <summary>Where keys lie as files.</summary>
public sealed class FileKeysOptions
{
    /// <summary>Their directory, absolute: ours alone, and in memory.</summary>
    public string Directory { get; set; } = "/run/evestorage/keys";

    /// <summary>Whether the directory may be on a disk. Whoever gets the disk then has the keys, and what is deleted may still be read from it.</summary>
    public bool AllowPersistent { get; set; }
}

/// <summary>Says every wrong value at once, with what is allowed.</summary>
internal sealed class FileKeysOptionsValidator : IValidateOptions<FileKeysOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, FileKeysOptions options)
    {
        ValidateOptionsResultBuilder result = new();
        if (!IsPlace(options.Directory))
        {
            result.AddError("must be an absolute path below '/', without '.' and '..', such as /run/evestorage/keys", nameof(FileKeysOptions.Directory));
        }

        return result.Build();
    }

    /// <summary>Whether it is an absolute path that is written as it is.</summary>
    internal static bool IsPlace(string directory)
        => Path.IsPathRooted(directory) && Path.TrimEndingDirectorySeparator(directory) is { Length: > 1 } place && Path.GetFullPath(place) == place;
}
