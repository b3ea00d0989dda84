using System.Buffers;
using System.Globalization;
using System.Numerics;
using Microsoft.Extensions.Options;

namespace EveStorage.Zfs;

/// <summary>Says every wrong value at once, with what is allowed.</summary>
internal sealed class ZfsOptionsValidator : IValidateOptions<ZfsOptions>
{
    // ZFS_MAX_DATASET_NAME_LEN is 256 with the final zero; behind the pool come "/volumes/", a volume's and a snapshot's name.
    private const int MaxPoolLength = 100;
    private const int StrongestZstd = 19;

    // zpoolconcepts(7): the words of a pool's layout; a pool's name begins with none of them.
    private static readonly string[] s_reserved = ["mirror", "raidz", "draid", "spare", "log"];
    private static readonly SearchValues<char> s_nameChars
        = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, ZfsOptions options)
    {
        ValidateOptionsResultBuilder result = new();
        if (options.Pool is string pool && WhyNoPool(pool) is string reason)
        {
            result.AddError(reason, nameof(ZfsOptions.Pool));
        }

        CheckLayout(options, result);
        CheckData(options, result);
        CheckTimes(options, result);
        if (!Path.IsPathRooted(options.RunDirectory) || Path.GetFullPath(options.RunDirectory) != options.RunDirectory || options.RunDirectory == "/")
        {
            result.AddError("must be an absolute path below '/', without '.' and '..', such as /run/evestorage/zfs", nameof(ZfsOptions.RunDirectory));
        }

        return result.Build();
    }

    /// <summary>Why <paramref name="pool"/> can't be ZFS's name of a pool of ours; null when it can.</summary>
    internal static string? WhyNoPool(string pool)
        => pool.Length == 0 || !char.IsAsciiLetter(pool[0]) || pool.AsSpan().ContainsAnyExcept(s_nameChars)
            ? "must be of a-z, A-Z, 0-9, '_', '.' and '-', and begin with a letter"
            : pool.Length > MaxPoolLength ? $"must have at most {MaxPoolLength} characters"
            : Array.Exists(s_reserved, word => pool.StartsWith(word, StringComparison.Ordinal)) ? $"must not begin with {string.Join(", ", s_reserved)}: ZFS keeps those"
            : null;

    private static void CheckLayout(ZfsOptions options, ValidateOptionsResultBuilder result)
    {
        if (options.Ashift is < 9 or > 16)
        {
            result.AddError("must be from 9 to 16", nameof(ZfsOptions.Ashift));
        }

        if (options.ParityDrives is < 1 or > 3)
        {
            result.AddError("must be 1, 2 or 3, and left out for what Redundancy says", nameof(ZfsOptions.ParityDrives));
        }

        if (options.VolumeBlockSize.Bytes is < 4 << 10 or > 128 << 10 || !BitOperations.IsPow2(options.VolumeBlockSize.Bytes))
        {
            result.AddError("must be a power of two from 4KiB to 128KiB", nameof(ZfsOptions.VolumeBlockSize));
        }
    }

    private static void CheckData(ZfsOptions options, ValidateOptionsResultBuilder result)
    {
        if (!IsCompression(options.Compression))
        {
            result.AddError($"must be off, lz4, zstd, or zstd-1 to zstd-{StrongestZstd}", nameof(ZfsOptions.Compression));
        }

        if (options.FileSystemCompression is string compression && !IsCompression(compression))
        {
            result.AddError($"must be off, lz4, zstd, or zstd-1 to zstd-{StrongestZstd}, and left out for what Compression says", nameof(ZfsOptions.FileSystemCompression));
        }

        if (!Enum.IsDefined(options.PrimaryCache))
        {
            result.AddError("must be All or Metadata", nameof(ZfsOptions.PrimaryCache));
        }

        if (!Enum.IsDefined(options.LogBias))
        {
            result.AddError("must be Latency or Throughput", nameof(ZfsOptions.LogBias));
        }

        if (options.Encryption is not ("off" or "aes-128-gcm" or "aes-256-gcm"))
        {
            result.AddError("must be off, aes-128-gcm or aes-256-gcm", nameof(ZfsOptions.Encryption));
        }

        if (options.Key is string key && !VolumeName.TryParse(key, out _))
        {
            result.AddError("must be the name of a key: a-z, 0-9, '.', '_' and '-', 63 characters at most, beginning with a letter or a digit", nameof(ZfsOptions.Key));
        }
    }

    private static void CheckTimes(ZfsOptions options, ValidateOptionsResultBuilder result)
    {
        if (options.LockTimeout <= TimeSpan.Zero || options.LockTimeout > TimeSpan.FromHours(1))
        {
            result.AddError("must be from 00:00:00.001 to 01:00:00", nameof(ZfsOptions.LockTimeout));
        }

        if (options.BusyTimeout < TimeSpan.Zero || options.BusyTimeout > TimeSpan.FromMinutes(1))
        {
            result.AddError("must be from 00:00:00 to 00:01:00", nameof(ZfsOptions.BusyTimeout));
        }
    }

    private static bool IsCompression(string text)
        => text is "off" or "lz4" or "zstd"
            || (text.StartsWith("zstd-", StringComparison.Ordinal) && int.TryParse(text.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out int level)
                && level is >= 1 and <= StrongestZstd && text == $"zstd-{level}");
}
