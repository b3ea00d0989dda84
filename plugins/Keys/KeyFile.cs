using System.Security.Cryptography;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Keys;

/// <summary>One key in one file, as it is, without a line's end.</summary>
internal static class KeyFile
{
    /// <summary>The longest key; a longer file is no key.</summary>
    internal const int MaxLength = 4096;

    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Reads the key at <paramref name="path"/>, which is no symbolic link and closed to others.</summary>
    /// <exception cref="StorageException">It is not there, is open to others, or is no key.</exception>
    internal static KeyMaterial Read(string path, string subject)
    {
        using BlockFile file = BlockFile.Open(path, writable: false, subject);
        RequireClosed(File.GetUnixFileMode(file.Handle), subject, "0600");
        KeyMaterial key = new(LengthOf(file.Look().Length, subject));
        try
        {
            file.Read(0, key.Bytes);
            return key;
        }
        catch (StorageException)
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>Reads all that comes from <paramref name="handle"/>, a file or a pipe.</summary>
    /// <exception cref="StorageException">It gives no key.</exception>
    internal static async Task<KeyMaterial> ReadToEndAsync(SafeFileHandle handle, string subject)
    {
        byte[] part = GC.AllocateArray<byte>(MaxLength + 1, pinned: true);
        try
        {
            // Without a buffer of its own, which would keep a copy.
            await using FileStream stream = new(handle, FileAccess.Read, bufferSize: 0);
            int length = await stream.ReadAtLeastAsync(part, part.Length, throwOnEndOfStream: false);
            KeyMaterial key = new(LengthOf(length, subject));
            part.AsSpan(0, length).CopyTo(key.Bytes);
            return key;
        }
        catch (IOException e)
        {
            throw FileCalls.Failure(subject, e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(part);
        }
    }

    /// <summary>Throws unless only its owner may use what has <paramref name="mode"/>.</summary>
    internal static void RequireClosed(UnixFileMode mode, string subject, string wanted)
    {
        if ((mode & Others) != 0)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, subject, $"is open to others: chmod {wanted}, and change the keys that were there");
        }
    }

    private static int LengthOf(long length, string subject)
        => length is > 0 and <= MaxLength
            ? (int)length
            : throw new StorageException(StorageErrorKind.Corrupt, subject, $"holds {(length == 0 ? "nothing" : $"more than {MaxLength} bytes")}: that is no key");
}
