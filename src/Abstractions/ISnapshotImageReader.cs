namespace EveStorage;

/// <summary>An earlier state of its disk that an image keeps.</summary>
/// <param name="Id">Its id in the image.</param>
/// <param name="Name">Its name.</param>
/// <param name="VirtualSize">The size that the disk had.</param>
/// <param name="Taken">When it was taken.</param>
public sealed record ImageSnapshot(string Id, string Name, ByteSize VirtualSize, DateTimeOffset Taken);

/// <summary>An open image that may keep earlier states of its disk.</summary>
public interface ISnapshotImageReader : IImageReader
{
    /// <summary>The states that it keeps. It has to read them first.</summary>
    /// <exception cref="StorageException">What it says of them is corrupt.</exception>
    ValueTask<IReadOnlyList<ImageSnapshot>> ListSnapshotsAsync(CancellationToken cancellationToken);

    /// <summary>Opens the state of the given id or name on the same source, which goes with the first of the two readers that is disposed.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: there is none.</exception>
    ValueTask<IImageReader> OpenSnapshotAsync(string name, CancellationToken cancellationToken);
}
