using Microsoft.Extensions.Options;

namespace EveStorage.FileBacked;

/// <summary>Where a pool of files lies, and how much it may take.</summary>
public sealed class FileBackedOptions
{
    /// <summary>The pool's directory, absolute; when absent it is the one device that the profile declares.</summary>
    public string? Directory { get; set; }

    /// <summary>The most that the pool's volumes and snapshots take together; no limit but the file system's when absent.</summary>
    public ByteSize? Limit { get; set; }

    /// <summary>Whether what is read from volumes and written to them goes past this machine's page cache, so that it takes no memory here.</summary>
    public bool Direct { get; set; }

    /// <summary>How long a change waits for another one of the same pool.</summary>
    public TimeSpan LockTimeout { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>Says every wrong value at once, with what is allowed.</summary>
internal sealed class FileBackedOptionsValidator : IValidateOptions<FileBackedOptions>
{
    private static readonly ByteSize s_smallest = ByteSize.MiB(1);
    private static readonly TimeSpan s_longest = TimeSpan.FromHours(1);

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, FileBackedOptions options)
    {
        ValidateOptionsResultBuilder result = new();
        if (options.Directory is string directory && !IsPlace(directory))
        {
            result.AddError("must be an absolute path below '/', without '.' and '..', such as /var/lib/evestorage/pools/data", nameof(FileBackedOptions.Directory));
        }

        if (options.Limit is ByteSize limit && limit < s_smallest)
        {
            result.AddError($"must be at least {s_smallest}, written in B, KiB, MiB, GiB or TiB", nameof(FileBackedOptions.Limit));
        }

        if (options.LockTimeout <= TimeSpan.Zero || options.LockTimeout > s_longest)
        {
            result.AddError("must be from 00:00:00.001 to 01:00:00", nameof(FileBackedOptions.LockTimeout));
        }

        return result.Build();
    }

    /// <summary>Whether it can be a pool's directory: an absolute path that is written as it is.</summary>
    internal static bool IsPlace(string directory)
        => Path.IsPathRooted(directory) && Path.TrimEndingDirectorySeparator(directory) is { Length: > 1 } place && Path.GetFullPath(place) == place;
}
