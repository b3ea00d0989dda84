using System.Diagnostics;
using EveStorage.Cli.Api;
using EveStorage.Host.Operations;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The corpora of sound and of hostile images behind volumes, each read by a guest and copied to its end.</summary>
public sealed class LazyCorpusTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    // EVESTORAGE_LONG=1 takes all of them.
    private static bool IsLong { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";

    [Fact]
    public async Task Each_sound_image_reads_as_QEMU_reads_it_before_it_is_copied_and_afterwards()
    {
        await using LazyHost host = await LazyHost.StartAsync(LazyHost.HeldBack);
        CorpusImage[] all = [.. new ValidCorpus(host.Engine.Bases).All()];
        CorpusImage[] corpus = IsLong ? all : [.. all.Where((_, number) => number % 12 == 1)];
        for (int number = 0; number < corpus.Length; number++)
        {
            await corpus[number].MakeAsync(host.Engine[$"{number}.qcow2"]);
            byte[] model = await ReadAsQemuAsync(host, corpus[number], number);
            await using GuestDisk guest = await host.ConnectAsync(model, LazyHost.Request($"vm{number}", format: null) with { Snapshot = corpus[number].Snapshot }, $"{number}.qcow2");
            await guest.ReadAsync(0, Math.Max(512, model.Length / 1024 * 512));
        }

        await host.RestartAsync(0);
        for (int number = 0; number < corpus.Length; number++)
        {
            await host.UntilAsync(static report => report is null, $"vm{number}");
            await ReadAsQemuAsync(host, corpus[number], number);
            await QemuImages.RunAsync("qemu-img", "compare", "-f", "raw", "-F", "raw", Path.Combine(host.Engine.PoolPath, "volumes", $"vm{number}", "image"), host.Engine["expected.raw"]);
        }

        output.WriteLine($"{corpus.Length} images of {all.Length}");
    }

    [Fact]
    public async Task No_hostile_image_harms_the_host_or_is_taken_for_sound()
    {
        await using LazyHost host = await LazyHost.StartAsync(0, names: false);
        HostileImage[] corpus = IsLong ? [.. HostileCorpus.All] : [.. HostileCorpus.All.Where((_, number) => number % 16 == 3)];
        int atOnce = 0;
        int behind = 0;
        foreach (HostileImage image in corpus)
        {
            await File.WriteAllBytesAsync(host.Engine["disk.img"], image.Bytes, TestContext.Current.CancellationToken);
            try
            {
                OperationReport report = await host.ImportAsync(LazyHost.Request(format: "qcow2"));
                report.State.ShouldBe(OperationState.Succeeded, $"{image.Name}: {report.Error}");
            }
            catch (StorageException e)
            {
                (e.Kind, image.Name).ShouldBe((image.Kind, image.Name));
                atOnce++;
                continue;
            }

            // Its header is sound, and a table of it is not: that is found where it is read.
            await WaitAsync(host, image.Name);
            behind++;
            await host.Engine.DoAsync(new DeleteVolume { Pool = TestEngine.Pool, Volume = new("vm1") });
        }

        Directory.EnumerateFileSystemEntries(Path.Combine(host.Engine.PoolPath, "volumes")).ShouldBeEmpty();
        output.WriteLine($"{corpus.Length} images, {atOnce} refused at once, {behind} where they are damaged");
    }

    [Fact]
    public async Task The_first_byte_of_an_image_is_read_however_large_it_is()
    {
        foreach (string format in new[] { "raw", "qcow2" })
        {
            foreach (int power in new[] { 20, 30, 40 })   // the first is for the program to be warm
            {
                await MeasureAsync(format, 1L << power);
            }
        }
    }

    // All of it into a file, of which the beginning is given back: a disk may be longer than an array.
    private static async Task<byte[]> ReadAsQemuAsync(LazyHost host, CorpusImage image, int number)
    {
        string[] snapshot = image.Snapshot is string name ? ["-l", $"snapshot.name={name}"] : [];
        await QemuImages.RunAsync("qemu-img", ["convert", "-f", "qcow2", "-O", "raw", .. snapshot, host.Engine[$"{number}.qcow2"], host.Engine["expected.raw"]]);
        await using FileStream expected = File.OpenRead(host.Engine["expected.raw"]);
        byte[] beginning = new byte[Math.Min(expected.Length, 64 << 20)];
        await expected.ReadExactlyAsync(beginning, TestContext.Current.CancellationToken);
        return beginning;
    }

    private async Task MeasureAsync(string format, long length)
    {
        const int Read = 4096;
        await using LazyHost host = await LazyHost.StartAsync(LazyHost.HeldBack);
        await QemuImages.RunAsync("qemu-img", "create", "-q", "-f", format, host.Engine["disk.img"], $"{length}");
        await QemuImages.RunAsync("qemu-io", "-f", format, "-c", $"write -P 7 0 {Read}", host.Engine["disk.img"]);
        byte[] model = new byte[Read];
        Array.Fill(model, (byte)7);

        long start = Stopwatch.GetTimestamp();
        (await host.ImportAsync(LazyHost.Request(format: format))).State.ShouldBe(OperationState.Succeeded);
        TimeSpan imported = Stopwatch.GetElapsedTime(start);
        await host.Engine.DoAsync(TestEngine.Export("vm1"));
        await using GuestDisk guest = await host.ReconnectAsync(model);
        TimeSpan connected = Stopwatch.GetElapsedTime(start);
        await guest.ReadAsync(0, Read);
        TimeSpan read = Stopwatch.GetElapsedTime(start);
        await host.RestartAsync(0);
        start = Stopwatch.GetTimestamp();
        await host.UntilAsync(static report => report is null);

        output.WriteLine($"{format} of {new ByteSize(length)}: there after {imported.TotalMilliseconds:0} ms, connected after {connected.TotalMilliseconds:0}, first read after {read.TotalMilliseconds:0}; copied {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s after a restart");
    }

    private static async Task WaitAsync(LazyHost host, string image)
    {
        long start = Stopwatch.GetTimestamp();
        while (await host.ReportAsync() is LazyReport report)
        {
            if (report.State is LazyReport.Waits or LazyReport.Damaged)
            {
                return;
            }

            Stopwatch.GetElapsedTime(start).ShouldBeLessThan(s_limit, image);
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        throw new InvalidOperationException($"{image} was taken for sound.");
    }
}
