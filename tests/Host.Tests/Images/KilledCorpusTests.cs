using System.Diagnostics;
using EveStorage.Cli.Api;
using EveStorage.Host.Operations;

namespace EveStorage.Tests;

/// <summary>The corpus of sound images once more: the import of each is killed at a random moment, and is whole once it has been run again.</summary>
public sealed class KilledCorpusTests(ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    private readonly TestEngine _host = new(images: true, keep: true);
    private readonly Random _random = new(21);

    // EVESTORAGE_LONG=1 takes all of it.
    private static bool IsLong { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";

    public async ValueTask InitializeAsync()
    {
        await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool });
        await _host.EndAsync();
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task From_a_file_and_from_a_pipe_each_is_whole_at_the_next_try()
    {
        TimeSpan whole = await TimeAsync();
        int cut = 0;
        List<string> volumes = ["whole"];
        foreach ((CorpusImage image, int number) in Corpus(every: 18))
        {
            (string path, string expected) = await MakeAsync(image, number);
            foreach (bool isPipe in new[] { false, true })
            {
                string volume = $"{(isPipe ? "pipe" : "file")}{number}";
                string[] import = ImportOf(image, isPipe ? "-" : path, volume);
                TimeSpan moment = whole * _random.NextDouble();
                if (!await EndsWithinAsync(import, isPipe ? path : null, moment))
                {
                    await RequireThereAsync(import, isPipe ? path : null, $"{image.Name}, {volume}, killed after {moment.TotalMilliseconds:0} ms");
                    cut++;
                }

                volumes.Add(volume);
                await RequireSameAsync(volume, expected, image.Name);
            }
        }

        output.WriteLine($"{volumes.Count - 1} imports, {cut} of them killed, at any moment of {whole.TotalMilliseconds:0} ms");
        cut.ShouldBeGreaterThan(0);
        await RequireNothingElseAsync(volumes);
    }

    private IEnumerable<(CorpusImage Image, int Number)> Corpus(int every)
        => new ValidCorpus(_host.Bases).All().Select((image, number) => (image, number)).Where(one => IsLong || one.number % every == 4);

    private async Task<(string Path, string Expected)> MakeAsync(CorpusImage image, int number)
    {
        (string path, string expected) = (_host[$"{number}.qcow2"], _host["expected.raw"]);
        await image.MakeAsync(path);
        string[] snapshot = image.Snapshot is string name ? ["-l", $"snapshot.name={name}"] : [];
        await QemuImages.RunAsync("qemu-img", ["convert", "-f", "qcow2", "-O", "raw", .. snapshot, path, expected]);
        return (path, expected);
    }

    private static string[] ImportOf(CorpusImage image, string from, string volume)
        => ["image", "import", from, $"data/{volume}", "--format", "qcow2", .. image.Snapshot is string snapshot ? ["--snapshot", snapshot] : Array.Empty<string>()];

    // What one takes that nobody kills, once the program's files are in memory.
    private async Task<TimeSpan> TimeAsync()
    {
        (string path, _) = await MakeAsync(new ValidCorpus(_host.Bases).All().First(), 1000);
        (await HostProgram.RunAsync(_host, "pool", "list")).ExitCode.ShouldBe(0);
        long start = Stopwatch.GetTimestamp();
        (int code, string error) = await RunAsync(["image", "import", path, "data/whole"], null);
        code.ShouldBe(0, error);
        return Stopwatch.GetElapsedTime(start);
    }

    // Else it is killed then.
    private async Task<bool> EndsWithinAsync(string[] import, string? piped, TimeSpan time)
    {
        using HostProgram program = HostProgram.Start(_host, import);
        Task feeding = FeedAsync(program, piped);
        bool ended = program.HasEnded(time);
        program.Kill();
        await feeding;
        return ended;
    }

    private async Task<(int ExitCode, string Error)> RunAsync(string[] import, string? piped)
    {
        using HostProgram program = HostProgram.Start(_host, import);
        Task feeding = FeedAsync(program, piped);
        (int code, _, string error) = await program.EndAsync().WaitAsync(s_limit);
        await feeding;
        return (code, error);
    }

    // One that was killed after its commit is there already.
    private async Task RequireThereAsync(string[] import, string? piped, string which)
    {
        (int code, string error) = await RunAsync(import, piped);
        (code == 0 || error.Contains(": exists", StringComparison.Ordinal)).ShouldBeTrue($"{which}: {error}");
    }

    private static async Task FeedAsync(HostProgram program, string? path)
    {
        try
        {
            if (path is not null)
            {
                await using FileStream image = File.OpenRead(path);
                await image.CopyToAsync(program.Input);
            }

            await program.Input.DisposeAsync();
        }
        catch (IOException)
        {
            // it was killed
        }
    }

    private async Task RequireSameAsync(string volume, string expected, string image)
    {
        string actual = Path.Combine(_host.PoolPath, "volumes", volume, "image");
        long length = new FileInfo(expected).Length;
        new FileInfo(actual).Length.ShouldBeInRange(length, length + 4096, image);
        await QemuImages.RunAsync("qemu-img", "compare", "-f", "raw", "-F", "raw", actual, expected);
    }

    private async Task RequireNothingElseAsync(List<string> volumes)
    {
        await _host.StartAsync();
        (await _host.Api.ListVolumesAsync(null, default)).Select(volume => $"{volume.Name}").Order(StringComparer.Ordinal).ShouldBe(volumes.Order(StringComparer.Ordinal));
        (await _host.Api.DiagnoseAsync(default)).ShouldBeEmpty();
        await _host.EndAsync();
        Directory.EnumerateFileSystemEntries(Path.Combine(_host.PoolPath, "volumes")).Count().ShouldBe(volumes.Count);
    }
}
