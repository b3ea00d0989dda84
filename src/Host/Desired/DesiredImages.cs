using EveStorage.Cli.Api;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Desired;

/// <summary>The directories beneath which a file may name images. Whatever it says, nothing outside of them is opened, and no link is followed.</summary>
internal sealed class DesiredImages(IReadOnlyList<string> directories)
{
    /// <summary>Refuses what differs where an image is asked for and there is no directory for images at all.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.InvalidConfiguration"/>: there is none.</exception>
    internal void RequireDirectory(Difference difference)
    {
        if (difference.Changes.FirstOrDefault(change => change.Image is not null) is { Image: string name } first && !directories.Any(Directory.Exists))
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, first.Subject, $"its image {name} lies beneath no directory for images: {(directories.Count == 0 ? "the setting Desired:Images names none" : $"{string.Join(", ", directories)}, which the setting Desired:Images names, is no directory")}");
        }
    }

    /// <summary>What differs, with a refusal for each image that may not be opened, so that it is told before anything is done.</summary>
    internal Difference Judge(Difference difference)
        => difference with { Changes = [.. difference.Changes.Select(change => change.Image is string name && RefusalOf(change.Subject, name) is ErrorReport refusal ? change with { Request = null, Refusal = refusal } : change)] };

    private ErrorReport? RefusalOf(string subject, string name)
    {
        try
        {
            Open(name).Dispose();
            return null;
        }
        catch (StorageException e)
        {
            return new(e.Kind, subject, $"its image {e.Message}");
        }
    }

    /// <summary>Opens an image of the first directory that has it.</summary>
    /// <param name="name">A name beneath a directory, or a path that begins with one.</param>
    /// <exception cref="StorageException">It is in none, or may not be opened.</exception>
    internal SafeFileHandle Open(string name)
    {
        if (directories.Count == 0)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, name, "is beneath no directory for images: the setting Desired:Images names none");
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

        throw new StorageException(StorageErrorKind.InvalidConfiguration, name, $"is not beneath {string.Join(", ", directories)} (the setting Desired:Images)", missing);
    }

    private static string? Beneath(string name, string directory)
    {
        string beneath = $"{Path.TrimEndingDirectorySeparator(directory)}/";
        return !name.StartsWith('/') ? name : name.StartsWith(beneath, StringComparison.Ordinal) ? name[beneath.Length..] : null;
    }
}
