using System.Diagnostics.CodeAnalysis;

namespace EveStorage.Cli.Api;

/// <summary>A volume or one of its snapshots as a person types it: <c>vm42</c>, <c>data/vm42</c>, <c>data/vm42@before</c>.</summary>
/// <param name="Pool">The pool; null when the name alone has to be enough.</param>
/// <param name="Volume">The volume.</param>
/// <param name="Label">What stands after the <c>@</c>; null for the volume itself.</param>
internal sealed record VolumeAddress(PoolName? Pool, VolumeName Volume, string? Label)
{
    /// <summary>The snapshot it names; null when it names the volume.</summary>
    public SnapshotName? Snapshot => Label is null ? null : new SnapshotName(Volume, Label);

    /// <summary>Takes <c>[pool/]volume[@label]</c>; false when it is no such address.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out VolumeAddress? address)
    {
        address = null;
        PoolName? pool = null;
        string rest = text ?? "";
        if (rest.IndexOf('/', StringComparison.Ordinal) is int slash and >= 0)
        {
            if (!PoolName.TryParse(rest[..slash], out PoolName named))
            {
                return false;
            }

            pool = named;
            rest = rest[(slash + 1)..];
        }

        if (SnapshotName.TryParse(rest, out SnapshotName snapshot))
        {
            address = new(pool, snapshot.Volume, snapshot.Label);
        }
        else if (VolumeName.TryParse(rest, out VolumeName volume))
        {
            address = new(pool, volume, null);
        }

        return address is not null;
    }

    /// <inheritdoc/>
    public override string ToString()
        => (Pool is PoolName pool ? $"{pool}/" : "") + Volume + (Label is null ? "" : $"@{Label}");
}
