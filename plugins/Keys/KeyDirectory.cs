using System.Security.Cryptography;
using EveStorage.Linux;

namespace EveStorage.Keys;

/// <summary>
/// The directory of <see cref="FileKeys"/>. A key that we made is a directory <c>NAME</c> with <c>key</c> and <c>operation</c>,
/// so that one rename publishes the key with its mark; one that somebody put there is a file <c>NAME</c>.
/// </summary>
internal sealed class KeyDirectory(string path, bool allowPersistent)
{
    private const UnixFileMode Closed = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Why keys can't lie here; null when they can, or when it is not there and can be made.</summary>
    internal string? WhyNot()
    {
        try
        {
            Check();
            return null;
        }
        catch (StorageException e)
        {
            return e.Message;
        }
    }

    /// <summary>The names of the keys that are there.</summary>
    internal IEnumerable<KeyName> Names() => NamesIn(path);

    /// <summary>The entries of a directory that are named as a key can be.</summary>
    internal static IEnumerable<KeyName> NamesIn(string directory)
        => !Directory.Exists(directory)
            ? []
            : [.. Directory.EnumerateFileSystemEntries(directory).Select(entry => Path.GetFileName(entry)).Where(IsName).Order(StringComparer.Ordinal).Select(n => new KeyName(n))];

    /// <summary>The operation that made the key; null when there is none.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: it is somebody's.</exception>
    internal Guid? FindOurs(KeyName name)
    {
        if (IsPlain(name))
        {
            throw new StorageException(StorageErrorKind.Conflict, Subject(name), "was not made here: remove it yourself if nothing needs it");
        }

        return Directory.Exists(Of(name)) ? MakerOf(name) : null;
    }

    /// <summary>Whether a key of that name is there, whoever put it there.</summary>
    internal bool Has(KeyName name) => Path.Exists(Of(name));

    /// <summary>Whether somebody put it there, without a mark.</summary>
    internal bool IsPlain(KeyName name) => File.Exists(Of(name));

    /// <summary>The key.</summary>
    internal KeyMaterial Read(KeyName name)
    {
        Check();
        if (!Has(name))
        {
            throw new StorageException(StorageErrorKind.NotFound, Subject(name), $"there is no such key in {path}: bring it back, it is never made anew");
        }

        return KeyFile.Read(IsPlain(name) ? Of(name) : Path.Combine(Of(name), "key"), Subject(name));
    }

    /// <summary>Makes a random key with the mark of <paramref name="operation"/>.</summary>
    internal void Make(KeyName name, int length, Guid operation)
    {
        Require();
        RemoveUnfinished(name, operation);
        string temporary = Unfinished(name, operation);
        FileCalls.Run(Subject(name), () => Directory.CreateDirectory(temporary, Closed));
        using (KeyMaterial key = new(length))
        using (BlockFile file = BlockFile.Create(Path.Combine(temporary, "key"), Subject(name)))
        {
            RandomNumberGenerator.Fill(key.Bytes);
            file.Write(0, key.Bytes);
            file.Flush();
        }

        using (BlockFile mark = BlockFile.Create(Path.Combine(temporary, "operation"), Subject(name)))
        {
            mark.Write(0, operation.ToByteArray(bigEndian: true));
            mark.Flush();
        }

        DirectoryHandle.Flush(temporary);
        DurableFile.Publish(temporary, Of(name));
    }

    /// <summary>Takes a key that we made away: out of its name first, so that no half of it is ever taken for it.</summary>
    internal void Remove(KeyName name, Guid operation)
    {
        RemoveUnfinished(name, operation);
        DurableFile.Publish(Of(name), Unfinished(name, operation));
        RemoveUnfinished(name, operation);
    }

    /// <summary>Removes what <paramref name="operation"/> left of making or removing the key.</summary>
    /// <returns>Whether there was something.</returns>
    internal bool RemoveUnfinished(KeyName name, Guid operation)
    {
        string temporary = Unfinished(name, operation);
        if (!Directory.Exists(temporary))
        {
            return false;
        }

        string key = Path.Combine(temporary, "key");
        if (File.Exists(key))
        {
            using BlockFile file = BlockFile.Open(key, writable: true, Subject(name));
            file.Write(0, new byte[file.Look().Length]);
            file.Flush();
        }

        FileCalls.Run(Subject(name), () => Directory.Delete(temporary, recursive: true));
        DirectoryHandle.Flush(path);
        return true;
    }

    /// <summary>What a person would call the key.</summary>
    internal static string Subject(KeyName name) => $"key {name}";

    /// <summary>Whether a key can be called so.</summary>
    internal static bool IsName(string entry)
    {
        try
        {
            return entry == $"{new KeyName(entry)}";
        }
        catch (ArgumentException)
        {
            return false;   // something unfinished, or not a key
        }
    }

    private string Of(KeyName name) => Path.Combine(path, $"{name}");

    // A key's name never begins with a dot.
    private string Unfinished(KeyName name, Guid operation) => Path.Combine(path, $".tmp-{operation:N}-{name}");

    private Guid MakerOf(KeyName name)
    {
        using BlockFile mark = BlockFile.Open(Path.Combine(Of(name), "operation"), writable: false, Subject(name));
        Span<byte> operation = stackalloc byte[16];
        mark.Read(0, operation);
        return new(operation, bigEndian: true);
    }

    private void Require()
    {
        Check();
        if (!Directory.Exists(path))
        {
            FileCalls.Run(path, () => Directory.CreateDirectory(path, Closed));
            Check();
        }
    }

    private void Check()
    {
        string nearest = path;
        while (!Path.Exists(nearest))
        {
            nearest = Path.GetDirectoryName(nearest)!;
        }

        if (!allowPersistent && FileSystem.Of(nearest).Kind != FileSystemKind.Tmpfs)
        {
            throw new StorageException(
                StorageErrorKind.InvalidConfiguration, path, "is not on tmpfs, so that keys would stay on a disk: choose one in /run, or set AllowPersistent");
        }

        if (nearest != path)
        {
            return;
        }

        using DirectoryHandle directory = DirectoryHandle.Open(path);
        DirectoryOwner owner = directory.Look();
        if (!owner.IsOurs)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, path, "belongs to another user");
        }

        KeyFile.RequireClosed(owner.Mode, path, "0700");
    }
}
