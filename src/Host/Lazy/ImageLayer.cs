namespace EveStorage.Host.Lazy;

/// <summary>
/// The topmost layer of a volume that is used before its image is copied, as its record has it. It is no layer that a plugin provides, so that
/// a program that does not know it opens no such volume and takes no hole for data.
/// </summary>
internal static class ImageLayer
{
    private const string Kind = "image";

    /// <summary>As it is recorded.</summary>
    internal static LayerRecord Record { get; } = new() { Kind = Kind };

    /// <summary>Whether a volume lies over its image.</summary>
    internal static bool IsIn(VolumeRecord? record) => record?.Layers.Any(IsIt) == true;

    /// <summary>The layers that plugins provide.</summary>
    internal static IReadOnlyList<LayerRecord> Others(IEnumerable<LayerRecord> layers) => [.. layers.Where(layer => !IsIt(layer))];

    /// <summary>The name of the map of the volume that an operation made: as temporary as what is not whole yet, and no other of its.</summary>
    internal static VolumeName MapOf(Guid operation)
    {
        Span<byte> bytes = stackalloc byte[16];
        operation.TryWriteBytes(bytes);
        bytes[^1] ^= 2;
        return VolumeName.ForOperation(new(bytes));
    }

    /// <summary>The name of a volume's map.</summary>
    internal static VolumeName MapOf(VolumeRecord record) => MapOf(record.Mark.Operation);

    /// <summary>The maps of all volumes of a pool that lie over their images.</summary>
    internal static async Task<HashSet<VolumeName>> MapsAsync(IStoragePool pool, CancellationToken cancellationToken)
    {
        HashSet<VolumeName> maps = [];
        await foreach (VolumeInfo volume in pool.ListVolumesAsync(cancellationToken))
        {
            if (await pool.Records.FindAsync(volume.Name, cancellationToken) is VolumeRecord record && IsIn(record))
            {
                maps.Add(MapOf(record));
            }
        }

        return maps;
    }

    private static bool IsIt(LayerRecord layer) => layer.Kind == Kind;
}
