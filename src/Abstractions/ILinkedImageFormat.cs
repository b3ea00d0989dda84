namespace EveStorage;

/// <summary>What an image lacks that another file has.</summary>
public enum ImageLinkKind
{
    /// <summary>Its holes read as another image's disk; beyond that one's end they read as zero.</summary>
    Backing,

    /// <summary>The bytes of its extents lie in another file.</summary>
    Data,
}

/// <summary>Another file that an image names. A name is hostile: nobody but the host decides whether it is opened.</summary>
/// <param name="Kind">What it has.</param>
/// <param name="Name">Its name, as the image has it.</param>
/// <param name="Format">The format of a backing image, as the image has it; null when it says none.</param>
public sealed record ImageLink(ImageLinkKind Kind, string Name, string? Format);

/// <summary>A format whose images may need other files. <see cref="IImageFormat.OpenAsync"/> refuses one that does.</summary>
public interface ILinkedImageFormat : IImageFormat
{
    /// <summary>Opens an image as <see cref="IImageFormat.OpenAsync"/> does, whatever it needs: <see cref="ILinkedImageReader.Links"/> tells.</summary>
    /// <exception cref="StorageException">It is corrupt, or uses a feature that is not supported.</exception>
    ValueTask<IImageReader> OpenLinkedAsync(IImageSource source, CancellationToken cancellationToken);
}

/// <summary>An open image that may need other files: the host reads them and puts the disk together.</summary>
public interface ILinkedImageReader : IImageReader
{
    /// <summary>What it needs, at most one of a kind.</summary>
    IReadOnlyList<ImageLink> Links { get; }
}
