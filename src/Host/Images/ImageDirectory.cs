using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Images;

/// <summary>A file that an image names, opened.</summary>
/// <param name="Of">Which image names it: 0 for the first, or the number of the file that it was opened for.</param>
/// <param name="Link">As that image has it.</param>
/// <param name="Path">Where it is beneath the directory.</param>
/// <param name="File">The open file.</param>
internal sealed record LinkedFile(int Of, ImageLink Link, string Path, SafeFileHandle File);

/// <summary>
/// The directory that the profile allows images to name files of: backing files and data files. Names in images are hostile,
/// and whatever they say nothing outside of it is opened.
/// </summary>
/// <param name="directory">The directory; empty where the profile allows none.</param>
internal sealed class ImageDirectory(string directory)
{
    // A chain of more is a mistake or an attack: each image is read through the others.
    private const int MostFiles = 16;
    private const int ShownOfName = 200;

    /// <summary>Opens what <paramref name="link"/> names.</summary>
    /// <param name="link">As the image has it.</param>
    /// <param name="of">Which image that is: 0 for the first, or the number of one of <paramref name="known"/>.</param>
    /// <param name="known">What was opened before.</param>
    /// <param name="image">What the first image is called.</param>
    /// <exception cref="StorageException">It may not be opened, or is not there.</exception>
    internal LinkedFile Open(ImageLink link, int of, IReadOnlyList<LinkedFile> known, string image)
    {
        string what = link.Kind == ImageLinkKind.Backing ? "a backing file" : "its data in another file";
        if (directory.Length == 0)
        {
            throw new StorageException(StorageErrorKind.NotSupported, image, link.Kind == ImageLinkKind.Backing
                ? $"needs a backing file, {Short(link.Name)}: flatten it with `qemu-img convert` where that file is, or name a directory of such files as Images:Directory"
                : $"keeps its data in another file, {Short(link.Name)}: make one of both with `qemu-img convert`, or name a directory of such files as Images:Directory");
        }

        // QEMU takes what stands before a colon for a protocol: nbd:, json:, file:.
        int colon = link.Name.IndexOf(':', StringComparison.Ordinal);
        if (colon >= 0 && !link.Name.AsSpan(0, colon).Contains('/'))
        {
            throw new StorageException(StorageErrorKind.NotSupported, image, $"has {what} by a protocol, {Short(link.Name)}: only plain files are read");
        }

        if (known.Count >= MostFiles)
        {
            throw new StorageException(StorageErrorKind.NotSupported, image, $"needs more than {MostFiles} other files: flatten it with `qemu-img convert`");
        }

        string path = PathOf(link.Name, of == 0 ? "" : known[of - 1].Path);
        LinkedFile opened = new(of, link, path, FileBeneath.OpenToRead(directory, path));
        if (known.Any(before => IsSame(before, opened)))
        {
            opened.File.Dispose();
            throw new StorageException(StorageErrorKind.Corrupt, image, $"has backing files that lie behind each other in a circle, {Short(link.Name)} among them: `qemu-img rebase -u` names another one, or none");
        }

        return opened;
    }

    private static bool IsSame(LinkedFile one, LinkedFile other)
        => one.Link.Kind == ImageLinkKind.Backing && other.Link.Kind == ImageLinkKind.Backing
            && ExistingFile.IdentityOf(one.File, one.Path) == ExistingFile.IdentityOf(other.File, other.Path);

    // A name is relative to the image that has it, which for the first one is taken to be in the directory itself.
    private string PathOf(string name, string parent)
    {
        if (!name.StartsWith('/'))
        {
            return Path.Combine(Path.GetDirectoryName(parent) ?? "", name);
        }

        string beneath = $"{Path.TrimEndingDirectorySeparator(directory)}/";
        return name.StartsWith(beneath, StringComparison.Ordinal) ? name[beneath.Length..] : name;
    }

    private static string Short(string name) => name.Length <= ShownOfName ? name : $"{name[..ShownOfName]}…";
}
