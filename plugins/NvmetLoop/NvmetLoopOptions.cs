using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace EveStorage.NvmetLoop;

/// <summary>Where the devices of exported volumes are found.</summary>
public sealed class NvmetLoopOptions
{
    /// <summary>The directory of links to the devices, one for each volume, <c>pool/volume</c>; a reboot empties it.</summary>
    [Required]
    public string Directory { get; set; } = "/run/evestorage/dev";

    /// <summary>How many I/O queues a volume's device has; 0 for one a processor.</summary>
    [Range(0, 128)]
    public int MaxQueues { get; set; }

    /// <summary>How long the kernel may take to show a device, in seconds.</summary>
    [Range(1, 600)]
    public int WaitSeconds { get; set; } = 30;

    /// <summary>How long programs may take to end what they do with a volume whose export ends, in seconds.</summary>
    [Range(1, 600)]
    public int DrainSeconds { get; set; } = 10;

    /// <summary>Where it is kept which operation made what in the kernel: a directory that a reboot empties.</summary>
    [Required]
    public string Marks { get; set; } = "/run/evestorage/nvmet";
}

[OptionsValidator]
internal sealed partial class NvmetLoopOptionsRules : IValidateOptions<NvmetLoopOptions>;

/// <summary>What attributes can't say.</summary>
internal sealed class NvmetLoopOptionsValidator : IValidateOptions<NvmetLoopOptions>
{
    private static readonly NvmetLoopOptionsRules s_rules = new();

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, NvmetLoopOptions options)
    {
        ValidateOptionsResultBuilder result = new();
        result.AddResult(s_rules.Validate(name, options));
        foreach ((string option, string path) in new[] { (nameof(NvmetLoopOptions.Directory), options.Directory), (nameof(NvmetLoopOptions.Marks), options.Marks) })
        {
            if (!Path.IsPathRooted(path))
            {
                result.AddError("must be an absolute path", option);
            }
        }

        return result.Build();
    }
}
