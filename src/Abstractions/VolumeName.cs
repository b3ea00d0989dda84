using System.Diagnostics.CodeAnalysis;

namespace EveStorage;

/// <summary>The name of a volume, unique in its pool. A backend escapes what its own names can't hold.</summary>
public readonly record struct VolumeName
{
    /// <summary>The most characters a name may have.</summary>
    public const int MaxLength = NameRule.MaxLength;

    private const string TemporaryPrefix = "tmp-";

    private readonly string? _value;

    /// <summary>Takes <paramref name="value"/> as a name, or says why it can't be one.</summary>
    /// <exception cref="ArgumentException"><paramref name="value"/> is not a valid name.</exception>
    public VolumeName(string value) => _value = NameRule.Check(value, "volume name");

    /// <summary>
    /// Whether it is the name of a volume that an operation is still filling (<see cref="ForOperation"/>). The host gives it
    /// to nothing else, and lists no volume of such a name.
    /// </summary>
    public bool IsTemporary
        => _value is { Length: 36 } value && value.StartsWith(TemporaryPrefix, StringComparison.Ordinal) && Guid.TryParseExact(value[4..], "N", out _);

    /// <summary>The name a volume has until <paramref name="operation"/> has filled it. Renaming it is the commit.</summary>
    public static VolumeName ForOperation(Guid operation) => new($"{TemporaryPrefix}{operation:N}");

    /// <summary>Takes <paramref name="value"/> as a name; false when it can't be one.</summary>
    public static bool TryParse([NotNullWhen(true)] string? value, out VolumeName name)
    {
        bool allowed = value is not null && NameRule.Allows(value);
        name = allowed ? new(value!) : default;
        return allowed;
    }

    /// <inheritdoc/>
    public override string ToString() => NameRule.Given(_value, nameof(VolumeName));
}
