using System.Security.Cryptography;
using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>The secrets of DH-HMAC-CHAP as the kernel takes them, <c>DHHC-1:00:...:</c> in ASCII, by the names of the keys.</summary>
/// <param name="name">The key.</param>
/// <param name="cancellationToken">Ends it.</param>
public delegate ValueTask<KeyMaterial> HostSecrets(KeyName name, CancellationToken cancellationToken);

/// <summary>A secret of a host, in the kernel and as it is wanted. No copy stays behind, and none is a string.</summary>
internal static class SecretAttribute
{
    /// <summary>Whether the kernel has <paramref name="wanted"/>; an empty one is none.</summary>
    internal static bool Is(string path, ReadOnlySpan<byte> wanted)
    {
        if (!File.Exists(path))
        {
            return wanted.IsEmpty;
        }

        using KeyMaterial now = Configfs.ReadSecret(path, out int length);
        return CryptographicOperations.FixedTimeEquals(now.Bytes[..length], wanted);
    }

    /// <summary>Has the kernel take <paramref name="wanted"/>, unless it has it; an empty one takes the secret away.</summary>
    internal static void Set(string path, ReadOnlySpan<byte> wanted)
    {
        if (!Is(path, wanted))
        {
            Configfs.Write(path, wanted.IsEmpty ? "\0"u8 : wanted);   // no text takes it away, and configfs passes on no write without a byte
        }
    }

    /// <summary>Takes what the kernel has; null when it has none.</summary>
    internal static KeyMaterial? Take(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        using KeyMaterial now = Configfs.ReadSecret(path, out int length);
        if (length == 0)
        {
            return null;
        }

        KeyMaterial taken = new(length);
        now.Bytes[..length].CopyTo(taken.Bytes);
        return taken;
    }
}
