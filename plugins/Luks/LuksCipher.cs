using System.Globalization;
using EveStorage.Linux;

namespace EveStorage.Luks;

/// <summary>A cipher, and why it was chosen.</summary>
/// <param name="Name">As the options have it.</param>
/// <param name="Specification">As dm-crypt has it.</param>
/// <param name="KeyBits">The length of the volume key.</param>
/// <param name="Reason">For a person.</param>
internal sealed record LuksCipher(string Name, string Specification, int KeyBits, string Reason)
{
    internal const string Auto = "auto";
    internal const string Aes = "aes-xts";
    internal const string Adiantum = "adiantum";

    /// <summary>Chooses by the options, and where they leave it open by what this machine is fast at.</summary>
    internal static async Task<LuksCipher> ChooseAsync(LuksOptions options, Machine machine, CancellationToken cancellationToken)
    {
        LuksCipher aes = new(Aes, "aes-xts-plain64", options.KeyBits, "as configured");
        LuksCipher adiantum = new(Adiantum, "xchacha12,aes-adiantum-plain64", 256, "as configured");
        if (options.Cipher != Auto)
        {
            return options.Cipher == Aes ? aes : adiantum;
        }

        if (machine.HasAesInstructions)
        {
            return aes with { Reason = "this CPU has AES instructions" };
        }

        if (!machine.HasAdiantum)
        {
            return aes with { Reason = "this CPU has no AES instructions, and this kernel no adiantum" };
        }

        double? aesSpeed = await machine.MeasureAsync(aes, cancellationToken);
        double? adiantumSpeed = await machine.MeasureAsync(adiantum, cancellationToken);
        LuksCipher faster = aesSpeed > adiantumSpeed ? aes : adiantum;
        string measured = aesSpeed is null || adiantumSpeed is null
            ? "and neither could be measured"
            : string.Create(CultureInfo.InvariantCulture, $"and decrypts {adiantumSpeed:0} MiB/s with adiantum, {aesSpeed:0} MiB/s with aes-xts");
        return faster with { Reason = $"this CPU has no AES instructions, {measured}" };
    }
}

/// <summary>What of this machine the choice of a cipher depends on.</summary>
internal record Machine
{
    /// <summary>Whether the CPU has instructions for AES.</summary>
    internal bool HasAesInstructions { get; init; } = File.ReadLines("/proc/cpuinfo")
        .Select(line => line.Split(':', 2))
        .Any(pair => pair.Length == 2 && pair[0].Trim() is "flags" or "Features" && pair[1].Split(' ').Contains("aes"));   // x86, arm64

    /// <summary>Whether the kernel has adiantum, loaded or not.</summary>
    internal bool HasAdiantum { get; init; } = KernelModule.IsThere("adiantum");

    /// <summary>How many MiB/s the kernel decrypts with a cipher; null when that can't be measured here.</summary>
    internal virtual async Task<double?> MeasureAsync(LuksCipher cipher, CancellationToken cancellationToken)
    {
        if (Command.Find("cryptsetup") is not Command cryptsetup)
        {
            return null;
        }

        try
        {
            string[] cut = cipher.Specification.Split("-plain64");
            string printed = await cryptsetup.RunAsync(
                ["benchmark", "--cipher", cut[0], "--key-size", cipher.KeyBits.ToString(CultureInfo.InvariantCulture)], cancellationToken);
            return SpeedIn(printed);
        }
        catch (CommandException e) when (e.End == CommandEnd.Exited)
        {
            return null;   // the kernel lends no ciphers to programs: AF_ALG is not there
        }
    }

    /// <summary>
    /// The speed of decryption. cryptsetup has it as text alone, a table whose last row is the cipher's:
    /// <c>aes-xts        512b      1663.0 MiB/s      1689.0 MiB/s</c>.
    /// </summary>
    internal static double? SpeedIn(string printed)
        => printed.TrimEnd().Split('\n')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries) is [.., string speed, "MiB/s"]
            && double.TryParse(speed, NumberStyles.Float, CultureInfo.InvariantCulture, out double found) ? found : null;
}
