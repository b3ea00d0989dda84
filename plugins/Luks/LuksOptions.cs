using Microsoft.Extensions.Options;

namespace EveStorage.Luks;

/// <summary>How things are encrypted. All but <see cref="AllowDiscards"/> is fixed for a device when it is encrypted, and kept in its header.</summary>
public sealed class LuksOptions
{
    /// <summary><c>aes-xts</c>, <c>adiantum</c>, or <c>auto</c>: what is fast on this machine.</summary>
    public string Cipher { get; set; } = LuksCipher.Auto;

    /// <summary>The bits of an aes-xts key, which is two: 512 for AES-256, 256 for AES-128.</summary>
    public int KeyBits { get; set; } = 512;

    /// <summary>
    /// The unit of encryption, which is also the smallest unit that the device above can be read and written in; that of the
    /// device below when absent.
    /// </summary>
    public ByteSize? SectorSize { get; set; }

    /// <summary>Whether discards go through. They tell whoever sees the device below which blocks are free.</summary>
    public bool AllowDiscards { get; set; }
}

/// <summary>Says every wrong value at once, with what is allowed.</summary>
internal sealed class LuksOptionsValidator : IValidateOptions<LuksOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, LuksOptions options)
    {
        ValidateOptionsResultBuilder result = new();
        if (options.Cipher is not (LuksCipher.Auto or LuksCipher.Aes or LuksCipher.Adiantum))
        {
            result.AddError($"must be {LuksCipher.Auto}, {LuksCipher.Aes} or {LuksCipher.Adiantum}", nameof(LuksOptions.Cipher));
        }

        if (options.KeyBits is not (256 or 512))
        {
            result.AddError("must be 512 for AES-256 or 256 for AES-128", nameof(LuksOptions.KeyBits));
        }

        if (options.SectorSize?.Bytes is not (null or 512 or 4096))
        {
            result.AddError("must be 512B or 4KiB, or absent for that of the device below", nameof(LuksOptions.SectorSize));
        }

        return result.Build();
    }
}
