using System.Text.Json;
using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>ZFS's two programs. Their answers are read in their forms for machines; what they say of a failure is for people, so that it says at most of which kind that is.</summary>
internal sealed class ZfsTools(Command zfs, Command zpool)
{
    private const string Device = "/dev/zfs";
    private const string Module = "zfs";
    private const int MaxSaid = 400;

    // An export waits in the kernel, where nothing stops it, while a volume is open: it is asked for when none is, and not waited for long.
    private static readonly CommandLimits s_limits = new() { Total = TimeSpan.FromMinutes(10), Stall = TimeSpan.FromMinutes(5), Output = ByteSize.MiB(32) };

    // A stream takes as long as its source does, which is waited for when it is far away.
    private static readonly CommandLimits s_receiving = new() { Total = TimeSpan.FromDays(14), Stall = TimeSpan.FromMinutes(90), Output = ByteSize.MiB(1) };

    // OpenZFS exits with 1 for most of it, and with 255 for values that it refuses: its words alone tell more (2.1.11, 2.3.2, 2.3.6).
    private static readonly (string Words, StorageErrorKind Kind)[] s_meanings =
    [
        ("out of space", StorageErrorKind.OutOfSpace),
        ("greater than available space", StorageErrorKind.OutOfSpace),
        ("less than current used or reserved space", StorageErrorKind.OutOfSpace),
        ("No space left", StorageErrorKind.OutOfSpace),
        ("is busy", StorageErrorKind.Busy),
        ("it's being held", StorageErrorKind.Busy),
        ("does not exist", StorageErrorKind.NotFound),
        ("no such pool", StorageErrorKind.NotFound),
        ("already exists", StorageErrorKind.Conflict),
        ("checksum mismatch", StorageErrorKind.Corrupt),
        ("incomplete stream", StorageErrorKind.Corrupt),
        ("invalid stream", StorageErrorKind.Corrupt),
        ("invalid backup stream", StorageErrorKind.Corrupt),
        ("failed to read from stream", StorageErrorKind.Corrupt),
        ("match incremental source", StorageErrorKind.Conflict),
        ("must specify -F", StorageErrorKind.Conflict),
        ("unsupported feature", StorageErrorKind.NotSupported),
        ("different sizes", StorageErrorKind.InvalidConfiguration),
        ("is too small", StorageErrorKind.InvalidConfiguration),
    ];

    /// <summary>The programs that are missing here, each as a fact to read.</summary>
    internal static IEnumerable<string> Missing()
        => ((string, string)[])[("zfs", "zfsutils-linux, or zfs"), ("zpool", "zfsutils-linux, or zfs"), ("wipefs", "util-linux")] is var needed
            ? needed.Where(program => Command.Find(program.Item1) is null).Select(program => $"the program {program.Item1} is missing: install {program.Item2}")
            : [];

    /// <summary>Finds the programs.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Unavailable"/>: one is missing.</exception>
    internal static ZfsTools Find()
        => Missing().ToList() is { Count: > 0 } missing
            ? throw new StorageException(StorageErrorKind.Unavailable, "zfs", string.Join("; ", missing))
            : new(Command.Find("zfs", s_limits)!, Command.Find("zpool", s_limits)!);

    /// <summary>The version of the kernel's module; null while it is not loaded.</summary>
    internal static ZfsVersion? LoadedVersion => ZfsVersion.Read(File.Exists($"/sys/module/{Module}/version") ? File.ReadAllText($"/sys/module/{Module}/version") : null);

    /// <summary>Loads the kernel's module, unless it is there, and makes sure of its version.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Unavailable"/>: there is none, or one that is too old.</exception>
    internal static async Task<ZfsVersion> LoadAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(Device))
        {
            await KernelModule.LoadAsync(Module, cancellationToken);
        }

        ZfsVersion version = LoadedVersion ?? throw new StorageException(StorageErrorKind.Unavailable, Module, "is loaded, and does not tell its version");
        return version >= ZfsVersion.Oldest
            ? version
            : throw new StorageException(StorageErrorKind.Unavailable, Module, $"is OpenZFS {version}, and {ZfsVersion.Oldest} is needed");
    }

    /// <summary>Runs <c>zfs</c>, about <paramref name="subject"/>.</summary>
    /// <exception cref="StorageException">It refused.</exception>
    internal Task<string> ZfsAsync(string subject, IReadOnlyList<string> words, CancellationToken cancellationToken)
        => ToldAsync("zfs", subject, words, () => zfs.RunAsync(words, cancellationToken));

    /// <summary>The same, with a key on its standard input.</summary>
    internal Task<string> ZfsAsync(string subject, IReadOnlyList<string> words, KeyMaterial key, CancellationToken cancellationToken)
        => ToldAsync("zfs", subject, words, () => zfs.RunAsync(words, key, cancellationToken));

    /// <summary>Runs <c>zfs receive</c> with a stream as its input, for as long as that takes.</summary>
    /// <exception cref="StorageException">It refused, or the stream could not be read.</exception>
    internal Task<string> ReceiveAsync(string subject, IReadOnlyList<string> words, Func<Stream, CancellationToken, Task> feed, CancellationToken cancellationToken)
        => ToldAsync("zfs", subject, words, () => zfs.With(s_receiving).RunAsync(words, feed, cancellationToken));

    /// <summary>Runs <c>zpool</c>, about <paramref name="subject"/>.</summary>
    /// <exception cref="StorageException">It refused.</exception>
    internal Task<string> ZpoolAsync(string subject, IReadOnlyList<string> words, CancellationToken cancellationToken)
        => ToldAsync("zpool", subject, words, () => zpool.RunAsync(words, cancellationToken));

    /// <summary>The rows of a list; null when what it is about is not there.</summary>
    internal async Task<IReadOnlyList<string[]>?> FindRowsAsync(string subject, IReadOnlyList<string> words, bool ofPools, CancellationToken cancellationToken)
    {
        try
        {
            string printed = ofPools ? await ZpoolAsync(subject, words, cancellationToken) : await ZfsAsync(subject, words, cancellationToken);
            return [.. printed.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t'))];
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
        {
            return null;
        }
    }

    /// <summary>
    /// Runs one of our programs in a pool, zfs-program(8): what it changes, it changes in one of ZFS's transactions, with nothing
    /// else in between. Returns what it returned.
    /// </summary>
    internal async Task<JsonElement> ProgramAsync(string pool, string script, bool changes, IReadOnlyList<string> words, CancellationToken cancellationToken)
    {
        string path = Path.Combine(Path.GetDirectoryName(typeof(ZfsTools).Assembly.Location) ?? "/", script);
        string printed = await ZfsAsync(pool, ["program", .. changes ? [] : (string[])["-n"], "-j", pool, path, .. words], cancellationToken);
        try
        {
            using JsonDocument document = JsonDocument.Parse(printed);
            return document.RootElement.TryGetProperty("return", out JsonElement returned) ? returned.Clone() : default;
        }
        catch (JsonException e)
        {
            throw new StorageException(StorageErrorKind.Io, pool, $"{script} returned no JSON", e);
        }
    }

    private static async Task<string> ToldAsync(string program, string subject, IReadOnlyList<string> words, Func<Task<string>> runAsync)
    {
        try
        {
            return await runAsync();
        }
        catch (CommandException e) when (e.End == CommandEnd.Exited)
        {
            string said = string.Join("; ", e.Said.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
            StorageErrorKind kind = s_meanings.FirstOrDefault(meaning => said.Contains(meaning.Words, StringComparison.Ordinal), (Words: "", Kind: StorageErrorKind.Io)).Kind;
            throw new StorageException(kind, subject, $"{program} {words[0]}: {(said.Length <= MaxSaid ? said : said[..MaxSaid] + "…")}", e);
        }
    }
}
