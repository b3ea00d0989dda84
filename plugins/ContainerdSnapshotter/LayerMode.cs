namespace EveStorage.ContainerdSnapshotter;

/// <summary>What layers are.</summary>
public enum LayerMode
{
    /// <summary>Directories; file systems of their own where a size is asked for that directories can't keep to here.</summary>
    Auto,

    /// <summary>Directories in one file system, joined by overlayfs.</summary>
    Overlay,

    /// <summary>File systems of their own, each in an image that shares blocks with that of what it lies on.</summary>
    Clone,
}
