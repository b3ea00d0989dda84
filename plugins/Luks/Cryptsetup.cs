using System.Globalization;
using System.Net.Sockets;
using EveStorage.Linux;

namespace EveStorage.Luks;

/// <summary>Runs cryptsetup. Keys go to its standard input, and to nothing else.</summary>
internal static class Cryptsetup
{
    /// <summary>cryptsetup(8), "RETURN CODES": no permission, which is a key that does not open it.</summary>
    internal const int WrongKey = 2;

    /// <summary>The device is not there, or not one of cryptsetup's.</summary>
    internal const int WrongDevice = 4;

    /// <summary>The device exists or is busy.</summary>
    internal const int Busy = 5;

    /// <summary>The header with both its copies and the key slots: what lies behind it is data. Given always, so that it never depends on a version of cryptsetup.</summary>
    internal const long HeaderLength = 16 << 20;

    // A random key can't be guessed, so that making guesses slow would only cost time and, with argon2, memory at each boot. 1000 is the least.
    internal static IReadOnlyList<string> QuickPbkdf { get; } = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"];

    internal static IReadOnlyList<string> Layout { get; } =
    [
        "--offset", Text(HeaderLength / 512),
        "--luks2-metadata-size", Text(LuksHeader.CopyLength),
        "--luks2-keyslots-size", Text(HeaderLength - LuksHeader.CopiesLength),
    ];

    /// <summary>Runs it with <paramref name="key"/>, and another one behind it where it reads two.</summary>
    /// <exception cref="CommandException">It failed.</exception>
    internal static async Task RunAsync(IReadOnlyList<string> arguments, KeyMaterial key, KeyMaterial? next, CancellationToken cancellationToken)
    {
        using KeyMaterial input = new(key.Bytes.Length + (next?.Bytes.Length ?? 0));
        key.Bytes.CopyTo(input.Bytes);
        next?.Bytes.CopyTo(input.Bytes[key.Bytes.Length..]);
        string[] sizes = next is null ? [] : ["--new-keyfile-size", Text(next.Bytes.Length)];
        await Find().RunAsync([.. arguments, "--key-file", "-", "--keyfile-size", Text(key.Bytes.Length), .. sizes], input, cancellationToken);
    }

    /// <summary>Puts <paramref name="token"/> into a header, or in the place of the one that is there.</summary>
    /// <exception cref="CommandException">It failed.</exception>
    internal static async Task ImportTokenAsync(string device, byte[] token, bool replace, CancellationToken cancellationToken)
    {
        using KeyMaterial input = new(token.Length);
        token.CopyTo(input.Bytes);
        string[] replacing = replace ? ["--token-replace"] : [];
        await Find().RunAsync(["token", "import", "--token-id", Text(LuksMetadata.TokenNumber), .. replacing, "--json-file", "-", device], input, cancellationToken);
    }

    /// <summary>Runs it without a key.</summary>
    /// <exception cref="CommandException">It failed.</exception>
    internal static Task RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken) => Find().RunAsync(arguments, cancellationToken);

    internal static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static Command Find()
    {
        Command found = Command.Find("cryptsetup") ?? throw new StorageException(StorageErrorKind.Unavailable, "cryptsetup", "is not installed");

        // Without udev nobody makes the node in /dev/mapper and answers, so that libdevmapper has to make it itself.
        return UdevRuns() ? found : found.With(new Dictionary<string, string> { ["DM_DISABLE_UDEV"] = "1" });
    }

    // libdevmapper looks whether the socket is there, which it still is when udev ended, and then waits for ever.
    private static bool UdevRuns()
    {
        try
        {
            using Socket control = new(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
            control.Connect(new UnixDomainSocketEndPoint("/run/udev/control"));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
