using System.Buffers;
using System.Numerics;
using Microsoft.Extensions.Options;

namespace EveStorage.Lvm;

/// <summary>Says every wrong value at once, with what is allowed.</summary>
internal sealed class LvmOptionsValidator : IValidateOptions<LvmOptions>
{
    private const int Kibi = 1024;

    private static readonly SearchValues<char> s_nameChars
        = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-");

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, LvmOptions options)
    {
        ValidateOptionsResultBuilder result = new();
        if (options.VolumeGroup is string group && WhyNoGroup(group) is string reason)
        {
            result.AddError(reason, nameof(LvmOptions.VolumeGroup));
        }

        CheckSizes(options, result);
        CheckNumbers(options, result);
        if (!Path.IsPathRooted(options.RunDirectory) || Path.GetFullPath(options.RunDirectory) != options.RunDirectory || options.RunDirectory == "/")
        {
            result.AddError("must be an absolute path below '/', without '.' and '..', such as /run/evestorage/lvm", nameof(LvmOptions.RunDirectory));
        }

        if (options.LockTimeout <= TimeSpan.Zero || options.LockTimeout > TimeSpan.FromHours(1))
        {
            result.AddError("must be from 00:00:00.001 to 01:00:00", nameof(LvmOptions.LockTimeout));
        }

        if (options.WatchInterval < TimeSpan.FromSeconds(1) || options.WatchInterval > TimeSpan.FromDays(1))
        {
            result.AddError("must be from 00:00:01 to 1.00:00:00", nameof(LvmOptions.WatchInterval));
        }

        return result.Build();
    }

    /// <summary>Why <paramref name="group"/> can't be a volume group of ours; null when it can.</summary>
    internal static string? WhyNoGroup(string group)
        => group.Length == 0 || group[0] is '-' or '.' || group.AsSpan().ContainsAnyExcept(s_nameChars)
            ? "must be of a-z, A-Z, 0-9, '_', '.', '+' and '-', and begin with neither '-' nor '.'"
            : DeviceMapper.Escape(group).Length > LvName.MaxGroupLength
                ? $"must have at most {LvName.MaxGroupLength} characters, each hyphen counted twice: device-mapper's names end at {DeviceMapper.MaxName}"
                : null;

    private static void CheckSizes(LvmOptions options, ValidateOptionsResultBuilder result)
    {
        if (options.ExtentSize.Bytes is < 128 * Kibi or > 1 << 30 || !BitOperations.IsPow2(options.ExtentSize.Bytes))
        {
            result.AddError("must be a power of two from 128KiB to 1GiB", nameof(LvmOptions.ExtentSize));
        }

        if (options.ChunkSize is ByteSize { Bytes: var chunk } && (chunk is < 64 * Kibi or > 1 << 30 || chunk % (64 * Kibi) != 0))
        {
            result.AddError("must be a multiple of 64KiB, from 64KiB to 1GiB", nameof(LvmOptions.ChunkSize));
        }

        if (options.MetadataSize is ByteSize metadata && (metadata < ThinPoolLayout.LeastMetadata || metadata > ThinPoolLayout.MostMetadata))
        {
            result.AddError($"must be from {ThinPoolLayout.LeastMetadata} to {ThinPoolLayout.MostMetadata}", nameof(LvmOptions.MetadataSize));
        }
    }

    private static void CheckNumbers(LvmOptions options, ValidateOptionsResultBuilder result)
    {
        if (!Enum.IsDefined(options.Provisioning))
        {
            result.AddError("must be Thin or Thick", nameof(LvmOptions.Provisioning));
        }

        if (options.Stripes is < 1 or > 128)
        {
            result.AddError("must be from 1 to 128", nameof(LvmOptions.Stripes));
        }

        if (options.Overcommit is double ratio && !(ratio is >= 1 and <= 1_000_000))
        {
            result.AddError("must be from 1 to 1000000, and left out for no limit", nameof(LvmOptions.Overcommit));
        }

        if (options.MaxVolumes is < 1 or > RecordArea.MostSlots)
        {
            result.AddError($"must be from 1 to {RecordArea.MostSlots}", nameof(LvmOptions.MaxVolumes));
        }
    }
}
