using System.Globalization;
using Microsoft.Extensions.Options;

namespace EveStorage.Tpm2Keys;

/// <summary>Which TPM, and what has to be the same for it to give a key.</summary>
public sealed class Tpm2KeysOptions
{
    /// <summary>Where sealed keys lie, absolute. They are no secrets, and have to outlive a reboot.</summary>
    public string Directory { get; set; } = "/var/lib/evestorage/keys";

    /// <summary>The PCRs that a new key is sealed to: numbers and ranges. The default is EVE's.</summary>
    public string Pcrs { get; set; } = "0-4,6-14";

    /// <summary>Their bank: <c>sha1</c>, <c>sha256</c>, <c>sha384</c> or <c>sha512</c>.</summary>
    public string Bank { get; set; } = "sha256";

    /// <summary>How the TPM is reached, as tpm2-tools have it.</summary>
    public string Tcti { get; set; } = "device:/dev/tpmrm0";

    /// <summary>Where files lie while the TPM is used, absolute: a directory of ours alone, which a reboot empties.</summary>
    public string Work { get; set; } = "/run/evestorage/tpm2";
}

/// <summary>Says every wrong value at once, with what is allowed.</summary>
internal sealed class Tpm2KeysOptionsValidator : IValidateOptions<Tpm2KeysOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, Tpm2KeysOptions options)
    {
        ValidateOptionsResultBuilder result = new();
        foreach ((string option, string path, string example) in new[]
        {
            (nameof(Tpm2KeysOptions.Directory), options.Directory, "/var/lib/evestorage/keys"), (nameof(Tpm2KeysOptions.Work), options.Work, "/run/evestorage/tpm2"),
        })
        {
            string directory = Path.TrimEndingDirectorySeparator(path);
            if (!Path.IsPathRooted(directory) || directory.Length < 2 || Path.GetFullPath(directory) != directory)
            {
                result.AddError($"must be an absolute path below '/', without '.' and '..', such as {example}", option);
            }
        }

        if (PcrList.TryParse(options.Pcrs) is null)
        {
            result.AddError("must be numbers and ranges from 0 to 23, such as 0-4,6-14", nameof(Tpm2KeysOptions.Pcrs));
        }

        if (options.Bank is not ("sha1" or "sha256" or "sha384" or "sha512"))
        {
            result.AddError("must be sha1, sha256, sha384 or sha512", nameof(Tpm2KeysOptions.Bank));
        }

        if (options.Tcti.Length == 0)
        {
            result.AddError("must say how the TPM is reached, such as device:/dev/tpmrm0", nameof(Tpm2KeysOptions.Tcti));
        }

        return result.Build();
    }
}

/// <summary>Numbers of PCRs as people write them.</summary>
internal static class PcrList
{
    private const int Last = 23;   // of a PC's TPM: TCG PC Client Platform TPM Profile, 4.6

    /// <summary>The numbers, each once and in order; null when <paramref name="text"/> is no such list.</summary>
    internal static IReadOnlyList<int>? TryParse(string text)
    {
        SortedSet<int> numbers = [];
        foreach (string part in text.Split(','))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2 || !TryNumber(ends[0], out int first) || !TryNumber(ends[^1], out int last) || first > last)
            {
                return null;
            }

            numbers.UnionWith(Enumerable.Range(first, last - first + 1));
        }

        return [.. numbers];
    }

    private static bool TryNumber(string text, out int number)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= Last;
}
