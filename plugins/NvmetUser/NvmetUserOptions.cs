using System.ComponentModel.DataAnnotations;
using System.Net;
using EveStorage.NvmeOf;
using Microsoft.Extensions.Options;

namespace EveStorage.NvmetUser;

/// <summary>Where the target listens, and how much it gives to its hosts.</summary>
public sealed class NvmetUserOptions
{
    /// <summary>The address to listen on: IPv4 or IPv6.</summary>
    [Required]
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>The port to listen on; 0 for any that is free.</summary>
    [Range(0, 65535)]
    public int Port { get; set; } = 4420;

    /// <summary>Whether hosts of another machine may connect, though a host's name is only a claim.</summary>
    public bool AllowUnauthenticated { get; set; }

    /// <summary>Whether every host has to prove a key: an export that allows one without is refused.</summary>
    public bool RequireAuthentication { get; set; }

    /// <summary>The hash that keys are proven with. A host that does not offer it is refused.</summary>
    public DhChapHash AuthenticationHash { get; set; } = DhChapHash.Sha256;

    /// <summary>The Diffie-Hellman group of the proof, so that who hears it can't guess at the key. A host that does not offer it is refused.</summary>
    public DhChapGroup AuthenticationGroup { get; set; } = DhChapGroup.Ffdhe2048;

    /// <summary>How many connections there may be, over all hosts. Each queue is one.</summary>
    [Range(2, 65000)]
    public int MaxConnections { get; set; } = 256;

    /// <summary>How many I/O queues a host may have for a subsystem.</summary>
    [Range(1, 128)]
    public int MaxQueues { get; set; } = 16;

    /// <summary>How many commands may be outstanding on a queue.</summary>
    [Range(32, 1024)]
    public int QueueDepth { get; set; } = 128;

    /// <summary>How much memory all buffers together may take.</summary>
    public ByteSize BufferMemory { get; set; } = ByteSize.MiB(256);

    /// <summary>How long a queue looks for the next command before it sleeps, after each one; 0 where a guest needs the processor.</summary>
    [Range(0, 1000)]
    public int SpinMicroseconds { get; set; } = 50;

    /// <summary>The longest keep alive time-out that a host may ask for, in seconds.</summary>
    [Range(1, 86400)]
    public int MaxKeepAliveSeconds { get; set; } = 600;

    /// <summary>How long a connection may take to become a queue, in seconds.</summary>
    [Range(1, 600)]
    public int HandshakeSeconds { get; set; } = 10;

    /// <summary>How long a host may stop in the middle of a PDU, of data it was asked for, or of taking an answer, in seconds.</summary>
    [Range(1, 600)]
    public int StallSeconds { get; set; } = 30;
}

[OptionsValidator]
internal sealed partial class NvmetUserOptionsRules : IValidateOptions<NvmetUserOptions>;

/// <summary>What attributes can't say.</summary>
internal sealed class NvmetUserOptionsValidator : IValidateOptions<NvmetUserOptions>
{
    private static readonly NvmetUserOptionsRules s_rules = new();

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, NvmetUserOptions options)
    {
        ValidateOptionsResultBuilder result = new();
        result.AddResult(s_rules.Validate(name, options));
        if (!IPAddress.TryParse(options.Address, out IPAddress? address))
        {
            result.AddError("must be an IPv4 or IPv6 address such as 127.0.0.1", nameof(NvmetUserOptions.Address));
        }
        else if (!IPAddress.IsLoopback(address) && !options.AllowUnauthenticated && !options.RequireAuthentication)
        {
            // A host NQN is a claim and no proof: only who is on this machine may make it, unless a person says otherwise.
            result.AddError(
                $"{options.Address} is no loopback address: hosts elsewhere only claim their name, so it needs "
                + $"{nameof(NvmetUserOptions.RequireAuthentication)}: true, {nameof(NvmetUserOptions.AllowUnauthenticated)}: true, or {nameof(NvmetUserOptions.Address)}: 127.0.0.1",
                nameof(NvmetUserOptions.Address));
        }

        if (!Enum.IsDefined(options.AuthenticationHash))
        {
            result.AddError($"must be one of {string.Join(", ", Enum.GetNames<DhChapHash>())}", nameof(NvmetUserOptions.AuthenticationHash));
        }

        if (!Enum.IsDefined(options.AuthenticationGroup))
        {
            result.AddError($"must be one of {string.Join(", ", Enum.GetNames<DhChapGroup>())}", nameof(NvmetUserOptions.AuthenticationGroup));
        }

        if (options.BufferMemory < ByteSize.MiB(4) || options.BufferMemory > ByteSize.GiB(64))
        {
            result.AddError("must be from 4MiB to 64GiB", nameof(NvmetUserOptions.BufferMemory));
        }

        return result.Build();
    }
}
