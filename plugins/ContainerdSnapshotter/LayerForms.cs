using EveStorage.Linux;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>The forms that layers have here: each snapshot has that of what it lies on, and one that lies on nothing has the ordinary one.</summary>
internal sealed class LayerForms : IDisposable
{
    private readonly OverlayForm _overlay = new();
    private readonly CloneForm _clone;

    private LayerForms(ContainerdSnapshotterOptions options, string directory, TimeProvider time)
    {
        ImageKind kind = ImageKind.All.Single(kind => kind.Name == options.FileSystem);
        _clone = new(Path.Combine(directory, ".empty"), kind, options.LayerSize ?? ContainerdSnapshotterOptions.OrdinarySize, time);
        Ordinary = options.AreClones ? LayerMode.Clone : LayerMode.Overlay;
    }

    /// <summary>The form of a snapshot that lies on nothing.</summary>
    internal LayerMode Ordinary { get; }

    /// <summary>Finds out which form is the ordinary one in <paramref name="directory"/>.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: the options ask for one that can't be there.</exception>
    internal static LayerForms Open(ContainerdSnapshotterOptions options, string directory, TimeProvider time)
        => !options.AreClones || LayerImage.CanShare(directory)
            ? new(options, directory, time)
            : throw new StorageException(
                StorageErrorKind.NotSupported, directory, "is where files share no blocks, so that a layer can't be a file system of its own: have it on xfs or btrfs, or leave LayerSize out and set Mode to overlay");

    /// <summary>A form.</summary>
    internal ILayerForm Of(LayerMode mode) => mode == LayerMode.Clone ? _clone : _overlay;

    /// <inheritdoc/>
    public void Dispose() => _clone.Dispose();
}
