using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace EveStorage.Linux;

/// <summary>
/// Which operation made which object of a configfs tree, whose objects have no room for a mark. The marks lie in a directory
/// of /run: they end with the kernel that has the objects. A mark holds the object's inode, so that one that someone else
/// made again under its name is not taken for ours; the mark is there before the object.
/// </summary>
/// <param name="directory">Where the marks are kept; it is made when the first one is set.</param>
public sealed class ConfigfsMarks(string directory)
{
    /// <summary>The operation that made the object at <paramref name="path"/>; null when none of ours did.</summary>
    public Guid? Find(string path)
    {
        string mark = PathOf(path);
        if (!File.Exists(mark) || !Path.Exists(path))
        {
            return null;
        }

        string[] lines = FileCalls.Run(mark, () => File.ReadAllLines(mark));
        return lines.Length == 3 && Guid.TryParse(lines[0], out Guid operation)
            && ulong.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong inode)
            && (inode == 0 || inode == BlockFile.Look(path).Inode)
            ? operation
            : null;
    }

    /// <summary>Makes an object by <paramref name="make"/>, which says whether it made it, and marks it; the mark is there first.</summary>
    /// <exception cref="StorageException">It could not be made.</exception>
    public bool Make(string path, Guid operation, Func<bool> make)
    {
        ArgumentNullException.ThrowIfNull(make);
        if (Path.Exists(path))
        {
            return false;
        }

        Write(path, operation, inode: 0);
        bool made = false;
        try
        {
            made = make();
            return made;
        }
        finally
        {
            if (made)
            {
                Write(path, operation, BlockFile.Look(path).Inode);
            }
            else
            {
                Forget(path);
            }
        }
    }

    /// <summary>Takes the mark away, once its object is gone.</summary>
    public void Forget(string path)
        => FileCalls.Run(path, () =>
        {
            if (Directory.Exists(directory))
            {
                File.Delete(PathOf(path));
            }
        });

    private void Write(string path, Guid operation, ulong inode)
    {
        string mark = PathOf(path);
        FileCalls.Run(mark, () =>
        {
            Directory.CreateDirectory(directory);
            File.WriteAllText(mark, $"{operation}\n{inode}\n{path}\n");
        });
    }

    private string PathOf(string path) => Path.Combine(directory, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(path))));
}
