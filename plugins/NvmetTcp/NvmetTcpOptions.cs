using System.ComponentModel.DataAnnotations;
using System.Net;
using Microsoft.Extensions.Options;

namespace EveStorage.NvmetTcp;

/// <summary>Where the kernel's target listens, and how hosts prove who they are.</summary>
public sealed class NvmetTcpOptions
{
    /// <summary>The address to listen on: IPv4 or IPv6.</summary>
    [Required]
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>The port to listen on.</summary>
    [Range(1, 65535)]
    public int Port { get; set; } = 4420;

    /// <summary>Whether hosts of another machine may connect without a key, though a host's name is only a claim.</summary>
    public bool AllowUnauthenticated { get; set; }

    /// <summary>The hash that hosts prove their keys with: sha256, sha384 or sha512.</summary>
    [RegularExpression("^sha(256|384|512)$")]
    public string Hash { get; set; } = "sha256";

    /// <summary>The Diffie-Hellman group of the proof: null for none, or ffdhe2048, ffdhe3072, ffdhe4096, ffdhe6144, ffdhe8192.</summary>
    [RegularExpression("^(null|ffdhe(2048|3072|4096|6144|8192))$")]
    public string DhGroup { get; set; } = "null";

    /// <summary>How much data a host may send with a command; 0 for what the kernel takes.</summary>
    public ByteSize InlineDataSize { get; set; }

    /// <summary>How many commands may be outstanding on a queue; 0 for what the kernel takes.</summary>
    [Range(0, 1024)]
    public int QueueDepth { get; set; }

    /// <summary>How many I/O queues a host may have for a subsystem; 0 for what the kernel takes.</summary>
    [Range(0, 128)]
    public int MaxQueues { get; set; }

    /// <summary>How long hosts may take to end what they do with a volume whose export ends, before they are cut off, in seconds.</summary>
    [Range(1, 600)]
    public int DrainSeconds { get; set; } = 10;

    /// <summary>Where it is kept which operation made what in the kernel: a directory that a reboot empties.</summary>
    [Required]
    public string Marks { get; set; } = "/run/evestorage/nvmet";
}

[OptionsValidator]
internal sealed partial class NvmetTcpOptionsRules : IValidateOptions<NvmetTcpOptions>;

/// <summary>What attributes can't say.</summary>
internal sealed class NvmetTcpOptionsValidator : IValidateOptions<NvmetTcpOptions>
{
    private static readonly NvmetTcpOptionsRules s_rules = new();

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, NvmetTcpOptions options)
    {
        ValidateOptionsResultBuilder result = new();
        result.AddResult(s_rules.Validate(name, options));
        if (!IPAddress.TryParse(options.Address, out _))
        {
            result.AddError("must be an IPv4 or IPv6 address such as 127.0.0.1", nameof(NvmetTcpOptions.Address));
        }

        if (options.InlineDataSize > ByteSize.MiB(4))
        {
            result.AddError("must be at most 4MiB", nameof(NvmetTcpOptions.InlineDataSize));
        }

        if (!Path.IsPathRooted(options.Marks))
        {
            result.AddError("must be an absolute path", nameof(NvmetTcpOptions.Marks));
        }

        return result.Build();
    }
}
