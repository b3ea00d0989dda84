using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using EveStorage.Cli.Api;

namespace EveStorage.Cli;

/// <summary>Arguments and options of our own types. What can't be one is told in a line, with what would be.</summary>
internal static class Arguments
{
    /// <summary>A declared pool.</summary>
    internal static Argument<PoolName> Pool(string description = "The pool, by its name in the profile.") => new("pool")
    {
        Description = description,
        HelpName = "POOL",
        CustomParser = static result => Parse(result, static text => new PoolName(text)),
    };

    /// <summary>The one pool to list; null for all.</summary>
    internal static Argument<PoolName?> OnlyPool() => new("pool")
    {
        Description = "Only those of this pool.",
        HelpName = "POOL",
        Arity = ArgumentArity.ZeroOrOne,
        CustomParser = static result => (PoolName?)Parse(result, static text => new PoolName(text)),
    };

    /// <summary>A drive.</summary>
    internal static Argument<string> Device(string description, string name = "device") => new(name)
    {
        Description = description,
        HelpName = name.ToUpperInvariant(),
    };

    /// <summary>A key.</summary>
    internal static Argument<KeyName> Key(string description = "The key's name.") => new("key")
    {
        Description = description,
        HelpName = "KEY",
        CustomParser = static result => Parse(result, static text => new KeyName(text)),
    };

    /// <summary>A volume.</summary>
    internal static Argument<VolumeAddress> Volume(string description = "The volume: NAME, or POOL/NAME.") => new("volume")
    {
        Description = description,
        HelpName = "[POOL/]NAME",
        CustomParser = static result => Parse(result, static text => Address(text, snapshot: false)),
    };

    /// <summary>A snapshot.</summary>
    internal static Argument<VolumeAddress> Snapshot(string description = "The snapshot: NAME@LABEL, or POOL/NAME@LABEL.") => new("snapshot")
    {
        Description = description,
        HelpName = "[POOL/]NAME@LABEL",
        CustomParser = static result => Parse(result, static text => Address(text, snapshot: true)),
    };

    /// <summary>A size.</summary>
    internal static Argument<ByteSize> Size(string description) => new("size")
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = static result => Parse(result, ParseSize),
    };

    /// <summary>A size, as an option.</summary>
    internal static Option<ByteSize?> SizeOption(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = static result => (ByteSize?)Parse(result, ParseSize),
    };

    /// <summary>How many, as an option.</summary>
    internal static Option<long?> CountOption(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "NUMBER",
        CustomParser = static result => (long?)Parse(result, ParseCount),
    };

    /// <summary>A number of something that is numbered from 1, as an option.</summary>
    internal static Option<int?> NumberOption(string name, string description, string helpName = "NUMBER") => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = static result => (int?)Parse(result, static text => ParseCount(text) is > 0 and <= int.MaxValue and long number ? (int)number : throw new FormatException($"'{text}' is not a number from 1 to {int.MaxValue}")),
    };

    /// <summary>An address that is, or is not, a snapshot's.</summary>
    internal static VolumeAddress Address(string text, bool? snapshot)
        => VolumeAddress.TryParse(text, out VolumeAddress? address) && (snapshot is null || snapshot == (address.Label is not null))
            ? address
            : throw new ArgumentException(snapshot == true
                ? $"'{text}' is not a snapshot: write NAME@LABEL or POOL/NAME@LABEL"
                : $"'{text}' is not a volume: write NAME or POOL/NAME, of lower-case letters, digits, '.', '_' and '-'");

    /// <summary>Parses one token, or adds an error to <paramref name="result"/>.</summary>
    internal static T? Parse<T>(ArgumentResult result, Func<string, T> parse)
    {
        try
        {
            return parse(result.Tokens[0].Value);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
        {
            result.AddError(ErrorReport.ReasonOf(e));
            return default;
        }
    }

    private static long ParseCount(string text)
        => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long count) ? count : throw new FormatException($"'{text}' is not a number: write digits alone, as 500");

    private static ByteSize ParseSize(string text)
    {
        try
        {
            return ByteSize.Parse(text, null);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
        {
            throw new FormatException($"'{text}' is not a size: write 512MiB, 10GiB or a number of bytes", e);
        }
    }
}
