using System.Security.Cryptography;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Images;

/// <summary>The SHA-256 of an image's file.</summary>
internal static class FileDigest
{
    private const int Step = 1 << 20;

    /// <summary>Reads all of it.</summary>
    /// <param name="file">The open file.</param>
    /// <param name="name">What it is called.</param>
    /// <param name="progress">Told how much of how much was read.</param>
    /// <param name="cancellationToken">Stops it.</param>
    internal static async Task<string> OfAsync(SafeFileHandle file, string name, Action<ByteSize, ByteSize> progress, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[Step];
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        ByteSize length = ExistingFile.LengthOf(file, name);
        for (long at = 0; at < length.Bytes;)
        {
            int read = await RandomAccess.ReadAsync(file, buffer, at, cancellationToken);
            if (read == 0)
            {
                break;
            }

            hash.AppendData(buffer, 0, read);
            at += read;
            progress(new(at), length);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
