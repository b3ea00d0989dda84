using System.Diagnostics;
using System.IO.Compression;
using System.IO.Pipes;
using EveStorage.Cli.Api;
using EveStorage.Host.Images;
using EveStorage.Host.Plugins;
using EveStorage.Host.Worker;
using EveStorage.Testing;
using Microsoft.Win32.SafeHandles;
using ZstdSharp;

namespace EveStorage.Tests;

/// <summary>Images that are each made by a number, as they come to the host: wrapped or not, as a file or through a pipe, by name or to be recognized.</summary>
public sealed class FuzzedImportTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    // EVESTORAGE_LONG=1 takes many; EVESTORAGE_FUZZ_FIRST and EVESTORAGE_FUZZ_COUNT take them in parts.
    private static bool IsLong { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";

    private static int First { get; } = NumberOf("EVESTORAGE_FUZZ_FIRST") ?? 0;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task What_is_wrapped_is_read_or_refused_whatever_the_wrapping_holds()
    {
        IImageFormat qcow2 = PluginCatalog.LoadOne(Path.Combine(BuiltHost.Plugins, "eve.qcow2")).ImageFormats
            .Single(format => format.Kind == "qcow2").Create(new() { Loggers = Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, Time = TimeProvider.System, Events = NoEvents.Instance, Name = "qcow2" });
        byte[][] packed = await PackAsync();
        int count = IsLong ? 500_000 : 3_000;
        long start = Stopwatch.GetTimestamp();
        int read = 0;
        for (int number = 0; number < count; number++)
        {
            Random random = new(number);
            byte[] image = random.Next(4) == 0 ? FuzzedImage.Make(number) : FuzzedImage.Sound(number).Bytes;
            byte[] bytes = number % 3 == 0 ? [.. packed[random.Next(packed.Length)]] : Wrapped(image, number % 3 == 1 ? "gzip" : "zstd");
            for (int changes = random.Next(4); changes > 0; changes--)
            {
                bytes[random.Next(2) == 0 ? random.Next(bytes.Length) : random.Next(Math.Min(24, bytes.Length))] = (byte)random.Next(256);
            }

            read += await TryReadAsync(qcow2, random.Next(8) == 0 ? bytes[..random.Next(bytes.Length)] : bytes, number) ? 1 : 0;
        }

        output.WriteLine($"{count} wrapped images, of which {read} were read, in {Stopwatch.GetElapsedTime(start).TotalSeconds:0} s");
        read.ShouldBeInRange(count / 50, count - (count / 50));
    }

    // By the tool: nobody here packs xz. Small blocks, so that there are headers to be changed, and each kind of check.
    private async Task<byte[][]> PackAsync()
    {
        List<byte[]> packed = [];
        foreach (string check in (string[])["crc32", "crc64", "sha256", "none"])
        {
            await File.WriteAllBytesAsync(_directory[check], FuzzedImage.Sound(packed.Count).Bytes);
            await QemuImages.RunAsync("xz", "--block-size=4096", $"--check={check}", _directory[check]);
            packed.Add(await File.ReadAllBytesAsync($"{_directory[check]}.xz"));
        }

        return [.. packed, [.. packed[0], 0, 0, 0, 0, .. packed[1]]];
    }

    [Fact]
    public async Task A_jailed_worker_reads_or_refuses_whatever_comes_and_says_so_itself()
    {
        int count = NumberOf("EVESTORAGE_FUZZ_COUNT") ?? (IsLong ? 10_000 : 24);
        long start = Stopwatch.GetTimestamp();
        int read = 0;
        await Parallel.ForEachAsync(Enumerable.Range(First, count), new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, async (number, _) =>
        {
            StorageException? refused = await ImportAsync(number);

            // A fault of the program, a crash, a silence and a worker that ended are all Io or Unavailable.
            refused?.Kind.ShouldBeOneOf([StorageErrorKind.Corrupt, StorageErrorKind.NotSupported, StorageErrorKind.Conflict], $"{number}: {refused.Message}");
            Interlocked.Add(ref read, refused is null ? 1 : 0);
        });
        output.WriteLine($"{count} images from {First} on through a worker, of which {read} were read, in {Stopwatch.GetElapsedTime(start).TotalSeconds:0} s");
        read.ShouldBeInRange(1, count - 1);
    }

    private static int? NumberOf(string variable)
        => Environment.GetEnvironmentVariable(variable) is string text ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : null;

    private static async Task<bool> TryReadAsync(IImageFormat format, byte[] bytes, int number)
    {
        try
        {
            string? wrapping = Unwrapping.Recognize(bytes);
            MemoryStream memory = new(bytes);
            using StreamSource source = new(wrapping is null ? memory : Unwrapping.Open(memory, wrapping, "disk.img"), "disk.img");
            byte[] head = new byte[32774];
            _ = source.Peek(head);
            await using IImageReader reader = await format.OpenAsync(source, default);
            byte[] target = new byte[1 << 16];
            await foreach (ImageExtent extent in reader.ReadExtentsAsync(default))
            {
                if (extent.Kind == ExtentKind.Data && extent.Length <= target.Length)
                {
                    byte[] encoded = new byte[Math.Min(extent.SourceLength, 1 << 20)];
                    int got = source.Read(extent.SourceOffset, encoded, default);
                    reader.Decode(extent, encoded.AsSpan(0, got), target.AsSpan(0, (int)extent.Length));
                }
            }

            _ = source.Drain(1 << 20, default);
            return true;
        }
        catch (StorageException e)
        {
            e.Kind.ShouldBeOneOf([StorageErrorKind.Corrupt, StorageErrorKind.NotSupported], $"{number}: {e.Message}");
            return false;
        }
        catch (Exception e) when (e is not ShouldAssertException)
        {
            throw new InvalidOperationException($"{number}: {e.GetType().Name}", e);
        }
    }

    private async Task<StorageException?> ImportAsync(int number)
    {
        byte[] image = Candidate(number);
        ByteSize size = ByteSize.MiB(1);
        string path = _directory[$"{number}.img"];
        await File.WriteAllBytesAsync(path, image);
        using SafeFileHandle file = File.OpenHandle(path);
        using SafeFileHandle volume = File.OpenHandle(_directory[$"{number}.volume"], FileMode.Create, FileAccess.ReadWrite);
        using SafeFileHandle spool = File.OpenHandle(_directory[$"{number}.spool"], FileMode.Create, FileAccess.ReadWrite);
        RandomAccess.SetLength(volume, size.Bytes);
        RandomAccess.SetLength(spool, size.Bytes);
        bool isPipe = number % 3 == 0;
        using AnonymousPipeServerStream pipe = new(PipeDirection.Out);
        using SafeFileHandle reader = new(pipe.ClientSafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        WorkerRequest request = new()
        {
            Plugins = [.. new[] { "eve.qcow2", "eve.raw", "eve.zfs-stream" }.Select(plugin => Path.Combine(BuiltHost.Plugins, plugin))],
            Format = number % 5 == 0 ? "qcow2" : null,
            ImageName = "disk.img",
            IsPipe = isPipe,
            Import = new() { VolumeSize = size, ReadsZero = true, WriteBudget = ByteSize.MiB(4), SpoolSize = isPipe ? size : null },
        };
        Task feeding = isPipe ? Task.Run(() => Feed(pipe, image)) : Task.CompletedTask;
        try
        {
            await WorkerProcess.RunAsync(request, new ImageInput(isPipe ? reader : file, "disk.img"), isPipe ? [volume, spool] : [volume], static _ => { }, static _ => { }, TestContext.Current.CancellationToken);
            return null;
        }
        catch (StorageException e)
        {
            return e;
        }
        finally
        {
            pipe.DisposeLocalCopyOfClientHandle();
            await feeding;
            Array.ForEach([".img", ".volume", ".spool"], part => File.Delete(_directory[$"{number}{part}"]));
        }
    }

    // As it is, wrapped, cut, or something else's beginning and end too: what a program could take for another format.
    private static byte[] Candidate(int number)
    {
        byte[] image = number % 7 == 0 ? FuzzedImage.Sound(number).Bytes : FuzzedImage.Make(number);
        if (number % 11 == 0)
        {
            byte[] both = new byte[40960];
            image.AsSpan(0, Math.Min(image.Length, 32768)).CopyTo(both);
            "CD001"u8.CopyTo(both.AsSpan(32769));
            return both;
        }

        return (number % 6) switch
        {
            1 => Wrapped(image, "gzip"),
            2 => Wrapped(image, "zstd"),
            3 => Wrapped(image, "gzip")[..^5],
            _ => image,
        };
    }

    private static byte[] Wrapped(byte[] bytes, string wrapping)
    {
        using MemoryStream target = new();
        using (Stream wrapped = wrapping == "gzip" ? new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true) : new CompressionStream(target, 1, leaveOpen: true))
        {
            wrapped.Write(bytes);
        }

        return target.ToArray();
    }

    private static void Feed(AnonymousPipeServerStream pipe, byte[] image)
    {
        try
        {
            pipe.Write(image);
        }
        catch (IOException)
        {
            // it was refused before its end
        }

        pipe.Dispose();
    }

    private sealed class NoEvents : IEventSink
    {
        internal static NoEvents Instance { get; } = new();

        public void Report(StorageEvent storageEvent)
        {
        }
    }
}
