namespace EveStorage.Qcow2Import;

/// <summary>Compresses one cluster after the other.</summary>
internal interface IClusterEncoder : IDisposable
{
    /// <summary>Compresses; gives back the length, or 0 when <paramref name="target"/> is too short for it.</summary>
    int Encode(ReadOnlySpan<byte> cluster, Span<byte> target);
}
