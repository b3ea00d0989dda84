using System.Security.Cryptography;

namespace EveStorage.Linux;

// Keys go to a program and come from one by pipe: arguments and environment are for all to see, and files stay behind.
public sealed partial class Command
{
    // A pipe takes so much at once from one that nobody reads yet: PIPE_BUF, man 7 pipe.
    private const int MaxKeyLength = 4096;

    /// <summary>Runs it with <paramref name="input"/> as all of its standard input, and returns its standard output.</summary>
    /// <exception cref="CommandException">It failed, or went beyond a limit and was killed.</exception>
    public Task<string> RunAsync(IReadOnlyList<string> arguments, KeyMaterial input, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(input.Bytes.Length, MaxKeyLength, nameof(input));
        return RunAsync(arguments, input, static (watch, output) => watch.ReadAsync(output), cancellationToken);
    }

    /// <summary>Runs it and returns its standard output, which is a key and is kept as one.</summary>
    /// <exception cref="CommandException">It failed, or went beyond a limit and was killed.</exception>
    public Task<KeyMaterial> ReadKeyAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
        => RunAsync(arguments, input: null, static (watch, output) => ReadKeyAsync(watch, output.BaseStream), cancellationToken);

    private static async Task<KeyMaterial> ReadKeyAsync(CommandWatch watch, Stream output)
    {
        byte[] buffer = GC.AllocateArray<byte>(MaxKeyLength + 1, pinned: true);
        try
        {
            int length = await output.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, watch.Token);
            if (length > MaxKeyLength)
            {
                throw new StorageException(StorageErrorKind.Corrupt, "key", $"is longer than {MaxKeyLength} bytes");
            }

            KeyMaterial key = new(length);
            buffer.AsSpan(0, length).CopyTo(key.Bytes);
            return key;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
        }
    }

    // Not through the writer, which would keep a copy. A program that ended before it read says why by its exit code.
    private static void Feed(StreamWriter standardInput, KeyMaterial? input)
    {
        try
        {
            standardInput.BaseStream.Write(input is null ? [] : input.Bytes);
        }
        catch (IOException)
        {
        }

        standardInput.BaseStream.Dispose();
    }
}
