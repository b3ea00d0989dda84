using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Desired;

/// <summary>The directories beneath which a file may name images. Whatever it says, nothing outside of them is opened, and no link is followed.</summary>
internal sealed class DesiredImages(IReadOnlyList<string> directories)
{
    /// <summary>Opens an image of the first directory that has it.</summary>
    /// <param name="name">A name beneath a directory, or a path that begins with one.</param>
    /// <exception cref="StorageException">It is in none, or may not be opened.</exception>
    internal SafeFileHandle Open(string name)
    {
        if (directories.Count == 0)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, name, "is beneath no directory for images: name such directories as Desired:Images");
        }

        StorageException? missing = null;
        foreach (string directory in directories)
        {
            if (Beneath(name, directory) is string path)
            {
                try
                {
                    return FileBeneath.OpenToRead(directory, path);
                }
                catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
                {
                    missing = e;
                }
            }
        }

        throw new StorageException(StorageErrorKind.InvalidConfiguration, name, $"is not beneath {string.Join(", ", directories)} (Desired:Images)", missing);
    }

    private static string? Beneath(string name, string directory)
    {
        string beneath = $"{Path.TrimEndingDirectorySeparator(directory)}/";
        return !name.StartsWith('/') ? name : name.StartsWith(beneath, StringComparison.Ordinal) ? name[beneath.Length..] : null;
    }
}
