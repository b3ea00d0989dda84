using System.Globalization;
using EveStorage.FileBacked;
using EveStorage.Trials;
using EveStorage.ZfsStreamImport;

namespace EveStorage.Tests;

/// <summary>
/// Real streams, cut and flipped, on their way into volumes of a pool of files, in this process: what is refused leaves no volume, what
/// is not is what the volume held, and the process needs no more memory than for a whole one. Nothing else runs beside it.
/// </summary>
[Collection(Alone)]
public sealed class FiledVolumeTests : IAsyncLifetime
{
    private const string Alone = "alone with files";
    private const long MostMemory = 64 << 20;

    // EVESTORAGE_LONG=1 takes as many as a night has.
    private static readonly bool s_long = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";
    private static readonly int s_cuts = s_long ? 50 : 3;
    private static readonly int s_flips = s_long ? 1000 : 6;

    // Memory is a quick disk, and the flushes of a hundred thousand volumes are not what is tested.
    private readonly string _place = Directory.CreateDirectory(Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"evestorage-filed-{Guid.NewGuid():N}")).FullName;
    private IStoragePool _pool = null!;
    private ImageImport _import = null!;

    public static TheoryData<string> Streams => [.. RealStreamCases.All.Where((_, i) => s_long || i % 8 == 0).Select(stream => stream.Name)];

    public async ValueTask InitializeAsync()
    {
        FileMachine machine = new(Directory.CreateDirectory(Path.Combine(_place, "pool"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName);
        await machine.CreateAsync(PoolRedundancy.None);
        _pool = await machine.OpenAsync();
        _import = new(_pool, new ZfsStreamFormat());
    }

    public async ValueTask DisposeAsync()
    {
        await _pool.DisposeAsync();
        Directory.Delete(_place, recursive: true);
    }

    [Theory]
    [MemberData(nameof(Streams))]
    public async Task However_a_stream_is_cut_or_flipped_no_volume_is_left_of_it_or_one_that_is_equal(string name)
    {
        (string _, byte[] bytes, string content) = RealStreamCases.All.Single(stream => stream.Name == name);
        Random random = new(bytes.Length);
        (await ImportAsync(bytes)).ShouldBe(content);
        string before = Names();
        PeakMemory memory = new();
        for (int i = 0; i < s_cuts; i++)
        {
            memory.Look(i);
            int length = random.Next(bytes.Length);
            string? digest = await ImportAsync(bytes[..length]);

            // A chain that ends where one of its streams does is whole, and another volume.
            (digest is null || name.Contains(' ')).ShouldBeTrue($"cut at {length}");
            Names().ShouldBe(before, $"cut at {length}");
        }

        for (int i = 0; i < s_flips; i++)
        {
            memory.Look(i);

            // Half of them where records are dense: payloads are most of the bytes and least of the meaning.
            int at = i % 2 == 0 ? random.Next(bytes.Length) : random.Next(Math.Min(2000, bytes.Length));
            byte flip = (byte)random.Next(1, 256);
            bytes[at] ^= flip;
            string? digest = await ImportAsync(bytes);
            bytes[at] ^= flip;

            (digest ?? content).ShouldBe(content, $"{flip:x2} at {at}");
            Names().ShouldBe(before, $"{flip:x2} at {at}");
        }

        memory.Look(0);
        memory.Most.ShouldBeLessThan(MostMemory);
    }

    private async Task<string?> ImportAsync(byte[] bytes)
    {
        string? digest = await _import.TryAsync(new MemorySource(bytes));
        (await _pool.ListVolumesAsync(default).CountAsync()).ShouldBe(0);
        return digest;
    }

    private string Names() => string.Join('\n', Directory.EnumerateFileSystemEntries(_place, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal));

    /// <summary>
    /// What this process needs for a few imports, at most. What one of them let go of is not collected before the next: of a thousand
    /// in a row the most would be what the collector lets lie, and no import's.
    /// </summary>
    private sealed class PeakMemory
    {
        private const int Together = 8;

        private long _start = Start();

        internal long Most { get; private set; }

        /// <summary>Looks after each few imports.</summary>
        internal void Look(int import)
        {
            if (import % Together == 0)
            {
                Most = Math.Max(Most, Peak() - _start);
                _start = Start();
            }
        }

        // man 5 proc: writing 5 sets the most that was resident to what is now.
        private static long Start()
        {
            GC.Collect();
            File.WriteAllText("/proc/self/clear_refs", "5");
            return Peak();
        }

        private static long Peak()
            => long.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', '\t', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
    }

    [CollectionDefinition(Alone, DisableParallelization = true)]
    public sealed class OnItsOwn;

    private sealed class FileMachine(string directory)
        : TrialMachine<FileBackedOptions>(new FileBackedPlugin(), "filed", new(), [directory]);
}
