using System.Diagnostics.CodeAnalysis;

namespace EveStorage;

/// <summary>The name of a snapshot: it belongs to its volume, and is written <c>vm42@before-upgrade</c>.</summary>
public readonly record struct SnapshotName
{
    private readonly string? _label;

    /// <summary>Takes <paramref name="label"/> as the name of a snapshot of <paramref name="volume"/>, or says why it can't be one.</summary>
    /// <exception cref="ArgumentException"><paramref name="label"/> is not a valid name.</exception>
    public SnapshotName(VolumeName volume, string label)
    {
        Volume = volume;
        _label = NameRule.Check(label, "snapshot name");
    }

    /// <summary>The volume it was taken of.</summary>
    public VolumeName Volume { get; }

    /// <summary>What stands after the <c>@</c>, unique in the volume.</summary>
    public string Label => NameRule.Given(_label, nameof(SnapshotName));

    /// <summary>Takes <c>volume@label</c>; false when it is no such name.</summary>
    public static bool TryParse([NotNullWhen(true)] string? value, out SnapshotName name)
    {
        name = default;
        if (value?.IndexOf('@', StringComparison.Ordinal) is not int at || at < 0
            || !VolumeName.TryParse(value[..at], out VolumeName volume) || !NameRule.Allows(value.AsSpan(at + 1)))
        {
            return false;
        }

        name = new(volume, value[(at + 1)..]);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Volume}@{Label}";
}

/// <summary>A snapshot as it is.</summary>
public sealed record SnapshotInfo
{
    /// <summary>Its name.</summary>
    public required SnapshotName Name { get; init; }

    /// <summary>Its own id.</summary>
    public required Guid Id { get; init; }

    /// <summary>The size the volume had.</summary>
    public required ByteSize Size { get; init; }

    /// <summary>When it was taken.</summary>
    public required DateTimeOffset Created { get; init; }
}
