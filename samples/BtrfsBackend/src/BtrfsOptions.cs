using Microsoft.Extensions.Options;

namespace Samples.Btrfs;

/// <summary>What a profile may say under Options. Every one of them has a default.</summary>
public sealed class BtrfsOptions
{
    /// <summary>How volumes that are to be compressed are: zstd, zlib or lzo.</summary>
    public string Compression { get; set; } = "zstd";

    /// <summary>
    /// Whether data is copied on write. Without it a disk that is written at random stays in one piece, and btrfs neither checks
    /// nor compresses its data.
    /// </summary>
    public bool CopyOnWrite { get; set; } = true;

    /// <summary>
    /// Whether volumes may have quotas. Making the pool then turns on quota groups, for the whole file system, which is why it has
    /// to be said.
    /// </summary>
    public bool Quotas { get; set; }
}

/// <summary>Says every wrong value at once. The host asks before it makes the backend.</summary>
internal sealed class BtrfsOptionsRules : IValidateOptions<BtrfsOptions>
{
    private static readonly string[] s_compressions = ["zstd", "zlib", "lzo"];

    public ValidateOptionsResult Validate(string? name, BtrfsOptions options)
        => s_compressions.Contains(options.Compression)
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail($"{nameof(BtrfsOptions.Compression)}: must be one of {string.Join(", ", s_compressions)}");
}
