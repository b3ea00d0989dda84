using System.Globalization;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>How large a layer may become, as its label says.</summary>
internal static class LayerLimit
{
    /// <summary>The label by which containerd's own front ends ask for a size, in bytes.</summary>
    internal const string Label = "containerd.io/snapshot/max-size";

    /// <summary>The size that is asked for; null for none.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.InvalidConfiguration"/>: the label is no size.</exception>
    internal static ByteSize? Of(string key, IReadOnlyDictionary<string, string> labels)
        => !labels.TryGetValue(Label, out string? text) ? null
            : ByteSize.TryParse(text, CultureInfo.InvariantCulture, out ByteSize size) && size.Bytes > 0 ? size
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, key, $"has a label {Label} that is no size such as 268435456 or 256MiB: {text}");
}
