using EveStorage.Linux;

namespace EveStorage.Tpm2Keys;

/// <summary>The directory of sealed keys: a file <c>NAME.json</c> for each, published by one rename.</summary>
internal sealed class SealedKeys(string directory)
{
    private const UnixFileMode Closed = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OthersWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
    private const string Ending = ".json";

    /// <summary>The names of the keys that are there.</summary>
    internal IReadOnlyList<KeyName> Names()
        => !Directory.Exists(directory)
            ? []
            : [.. Directory.EnumerateFiles(directory, $"*{Ending}")
                .Select(path => Path.GetFileName(path)[..^Ending.Length])
                .Where(IsName)
                .Order(StringComparer.Ordinal)
                .Select(name => new KeyName(name))];

    /// <summary>The key, sealed; null when there is none.</summary>
    internal SealedKey? Find(KeyName name) => File.Exists(PathOf(name)) ? SealedKey.Read(PathOf(name), Subject(name)) : null;

    /// <summary>The key, sealed, which we made; null when there is none.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: somebody else made it.</exception>
    internal SealedKey? FindOurs(KeyName name)
        => Find(name) is not SealedKey found || found.Mark.IsOurs
            ? Find(name)
            : throw new StorageException(StorageErrorKind.Conflict, Subject(name), $"was made by {found.Mark.Owner}: remove {PathOf(name)} yourself if nothing needs it");

    /// <summary>Publishes a key.</summary>
    internal void Add(KeyName name, SealedKey key)
    {
        FileCalls.Run(directory, () => Directory.CreateDirectory(directory, Closed));
        RequireOurs();
        string temporary = Unfinished(name, key.Mark.Operation);
        File.Delete(temporary);
        using (BlockFile file = BlockFile.Create(temporary, Subject(name)))
        {
            file.Write(0, key.ToBytes());
            file.Flush();
        }

        DurableFile.Publish(temporary, PathOf(name));
    }

    /// <summary>Removes a key.</summary>
    internal void Remove(KeyName name)
    {
        FileCalls.Run(Subject(name), () => File.Delete(PathOf(name)));
        DirectoryHandle.Flush(directory);
    }

    /// <summary>Removes what <paramref name="operation"/> left of making a key.</summary>
    internal void RemoveUnfinished(KeyName name, Guid operation)
    {
        if (Directory.Exists(directory))
        {
            FileCalls.Run(Subject(name), () => File.Delete(Unfinished(name, operation)));
        }
    }

    /// <summary>What a person would call the key.</summary>
    internal static string Subject(KeyName name) => $"key {name}";

    /// <summary>Throws if others may put keys in their place.</summary>
    internal void RequireOurs()
    {
        if (!Directory.Exists(directory))
        {
            return;
        }

        using DirectoryHandle handle = DirectoryHandle.Open(directory);
        DirectoryOwner owner = handle.Look();
        if (!owner.IsOurs || (owner.Mode & OthersWrite) != 0)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, directory, "belongs to another user, or others may write to it: chmod 0700");
        }
    }

    private static bool IsName(string name)
    {
        try
        {
            return name == $"{new KeyName(name)}";
        }
        catch (ArgumentException)
        {
            return false;   // something else that lies there
        }
    }

    private string PathOf(KeyName name) => Path.Combine(directory, $"{name}{Ending}");

    // A key's name never begins with a dot.
    private string Unfinished(KeyName name, Guid operation) => Path.Combine(directory, $".tmp-{operation:N}-{name}");
}
