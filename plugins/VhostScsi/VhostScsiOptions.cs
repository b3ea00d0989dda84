using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace EveStorage.VhostScsi;

/// <summary>What LIO serves volumes by.</summary>
public sealed class VhostScsiOptions
{
    /// <summary><c>vhost</c> for QEMU's guests; <c>loopback</c> for SCSI disks of this machine on the same backstores, to look at them without a guest.</summary>
    [RegularExpression("^(vhost|loopback)$")]
    public string Fabric { get; set; } = "vhost";

    /// <summary>How many queues the printed QEMU line gives the guest: as many as it has processors.</summary>
    [Range(1, 64)]
    public int Queues { get; set; } = 1;

    /// <summary>Where it is kept which operation made what in the kernel: a directory that a reboot empties.</summary>
    [Required]
    public string Marks { get; set; } = "/run/evestorage/target";
}

[OptionsValidator]
internal sealed partial class VhostScsiOptionsRules : IValidateOptions<VhostScsiOptions>;

/// <summary>What attributes can't say.</summary>
internal sealed class VhostScsiOptionsValidator : IValidateOptions<VhostScsiOptions>
{
    private static readonly VhostScsiOptionsRules s_rules = new();

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, VhostScsiOptions options)
    {
        ValidateOptionsResultBuilder result = new();
        result.AddResult(s_rules.Validate(name, options));
        if (!Path.IsPathRooted(options.Marks))
        {
            result.AddError("must be an absolute path", nameof(VhostScsiOptions.Marks));
        }

        return result.Build();
    }
}
