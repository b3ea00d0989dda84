using System.Diagnostics;
using System.IO.Compression;
using System.Security.Cryptography;
using EveStorage.Cli.Api;
using EveStorage.Host.Operations;
using Microsoft.Win32.SafeHandles;
using ZstdSharp;

namespace EveStorage.Tests;

/// <summary>The corpus, through the real worker process and into a real pool, held against QEMU's own reading.</summary>
public sealed class ValidCorpusTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly TestEngine _host = new(images: true);

    // EVESTORAGE_LONG=1 takes all of it, which is four minutes.
    private static bool IsLong { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";

    public async ValueTask InitializeAsync() => await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool });

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Each_image_is_imported_as_QEMU_reads_it_from_a_file_and_from_a_pipe()
    {
        CorpusImage[] all = [.. new ValidCorpus(_host.Bases).All()];
        CorpusImage[] corpus = IsLong ? all : [.. all.Where((_, number) => number % 4 == 1)];
        int straight = 0;
        long start = Stopwatch.GetTimestamp();
        for (int number = 0; number < corpus.Length; number++)
        {
            CorpusImage image = corpus[number];
            (string path, string expected) = (_host[$"{number}.qcow2"], _host[$"{number}.raw"]);
            await image.MakeAsync(path);
            string[] snapshot = image.Snapshot is string name ? ["-l", $"snapshot.name={name}"] : [];
            await QemuImages.RunAsync("qemu-img", ["convert", "-f", "qcow2", "-O", "raw", .. snapshot, path, expected]);
            ImportImage request = TestEngine.Import($"file{number}") with { Snapshot = image.Snapshot };
            using SafeFileHandle file = File.OpenHandle(path);

            OperationReport fromFile = await _host.RunAsync(request, file);
            await using FileStream stream = File.OpenRead(path);
            OperationReport fromPipe = await _host.RunPipedAsync(request with { Volume = new($"pipe{number}"), Verify = false, Sha256 = await HashAsync(path) }, stream);

            await RequireSameAsync(fromFile, $"file{number}", expected, image.Name);
            await RequireSameAsync(fromPipe, $"pipe{number}", expected, image.Name);
            straight += IsStraight(fromPipe, path) ? 1 : 0;
            await _host.DoAsync(new DeleteVolume { Pool = TestEngine.Pool, Volume = new($"file{number}") }, new DeleteVolume { Pool = TestEngine.Pool, Volume = new($"pipe{number}") });
            File.Delete(expected);
        }

        output.WriteLine($"{corpus.Length} images, {straight} of them straight through, in {Stopwatch.GetElapsedTime(start).TotalSeconds:0} s");
        all.Length.ShouldBeGreaterThanOrEqualTo(40);
        straight.ShouldBeGreaterThan(corpus.Length / 2);
        Directory.GetDirectories(Path.Combine(_host.PoolPath, "volumes")).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("zstd")]
    [InlineData("xz")]
    public async Task An_image_may_be_wrapped_in(string wrapping)
    {
        await new ValidCorpus(_host.Bases).All().First().MakeAsync(_host["disk.qcow2"]);
        await QemuImages.RunAsync("qemu-img", "convert", "-f", "qcow2", "-O", "raw", _host["disk.qcow2"], _host["disk.raw"]);
        await WrapAsync(wrapping, _host["disk.qcow2"], _host["wrapped"]);
        await WrapAsync(wrapping, _host["disk.raw"], _host["wrappedRaw"]);
        using SafeFileHandle file = File.OpenHandle(_host["wrapped"]);
        await using FileStream stream = File.OpenRead(_host["wrapped"]);
        await using FileStream raw = File.OpenRead(_host["wrappedRaw"]);
        ImportImage request = TestEngine.Import("file") with { Verify = false };

        await RequireSameAsync(await _host.RunAsync(request, file), "file", _host["disk.raw"], wrapping);
        await RequireSameAsync(await _host.RunPipedAsync(request with { Volume = new("pipe") }, stream), "pipe", _host["disk.raw"], wrapping);
        ImportImage sized = request with { Volume = new("raw"), Format = "raw", Size = new(new FileInfo(_host["disk.raw"]).Length) };
        await RequireSameAsync(await _host.RunPipedAsync(sized, raw), "raw", _host["disk.raw"], wrapping);
    }

    // What was kept is less than a tenth of what came: reference counts, and clusters that nothing uses.
    private static bool IsStraight(OperationReport report, string path)
        => long.Parse(report.Results["spooled"], System.Globalization.CultureInfo.InvariantCulture) * 10 <= new FileInfo(path).Length;

    private static async Task WrapAsync(string wrapping, string from, string to)
    {
        if (wrapping == "xz")
        {
            // Several blocks, then a stream of its own behind zeros: as those make it that compress in parallel.
            byte[] bytes = await File.ReadAllBytesAsync(from);
            await File.WriteAllBytesAsync($"{to}.1", bytes[..(bytes.Length / 2)]);
            await File.WriteAllBytesAsync($"{to}.2", bytes[(bytes.Length / 2)..]);
            await QemuImages.RunAsync("xz", "--block-size=65536", "--check=crc32", $"{to}.1");
            await QemuImages.RunAsync("xz", "-9", "--check=sha256", $"{to}.2");
            await File.WriteAllBytesAsync(to, [.. await File.ReadAllBytesAsync($"{to}.1.xz"), .. new byte[8], .. await File.ReadAllBytesAsync($"{to}.2.xz")]);
            return;
        }

        using FileStream source = File.OpenRead(from);
        using FileStream target = File.Create(to);
        using Stream wrapped = wrapping == "gzip" ? new GZipStream(target, CompressionLevel.Fastest) : new CompressionStream(target, 1, leaveOpen: true);
        source.CopyTo(wrapped);
    }

    private async Task RequireSameAsync(OperationReport report, string volume, string expected, string image)
    {
        report.State.ShouldBe(OperationState.Succeeded, $"{image}: {report.Error}");
        await using FileStream actual = File.OpenRead(Path.Combine(_host.PoolPath, "volumes", volume, "image"));
        long length = new FileInfo(expected).Length;
        actual.Length.ShouldBeInRange(length, length + 4096, image);
        await QemuImages.RunAsync("qemu-img", "compare", "-f", "raw", "-F", "raw", actual.Name, expected);
    }

    private static async Task<string> HashAsync(string path)
    {
        await using FileStream file = File.OpenRead(path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file, TestContext.Current.CancellationToken));
    }
}
