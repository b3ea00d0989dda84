using EveStorage.Host.Images;
using EveStorage.Host.Worker;
using EveStorage.Testing;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>What a worker takes at most, whatever it is given: by its own count of resident memory, the runtime in it, and of the processors' time.</summary>
public sealed class WorkerMemoryTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    // 64 MiB, and two tables of the 32 that the longest takes.
    private static readonly ByteSize s_most = ByteSize.MiB(64 + (2 * 32));

    // Starting is in it, which its limit is beside.
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(10);

    // EVESTORAGE_LONG=1 takes all of the corpus.
    private static int Step { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1" ? 1 : 8;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_hostile_image_takes_no_more_than_a_worker_and_two_tables_and_10_s_of_the_processors()
    {
        (ByteSize most, TimeSpan longest, int images) = (default, default, 0);
        foreach (HostileImage image in HostileCorpus.All.Where((_, number) => number % Step == 0))
        {
            await File.WriteAllBytesAsync(_directory["disk.img"], image.Bytes, TestContext.Current.CancellationToken);
            (WorkerMessage looked, ByteSize look) = await LookAsync("qcow2");
            (WorkerMessage imported, ByteSize import) = await ImportAsync();

            // One that names a file has the host asked for it first. What is wrong with data is found where that is decoded.
            (imported.Error?.Kind ?? (imported.Needs is null ? looked.Error?.Kind : image.Kind)).ShouldBe(image.Kind, image.Name);
            new[] { look, import, most }.Max().ShouldBeLessThan(s_most, image.Name);
            (most, images) = (new[] { look, import, most }.Max(), images + 1);
            longest = new[] { looked.Processors.ShouldNotBeNull(), imported.Processors.ShouldNotBeNull(), longest }.Max();
            longest.ShouldBeLessThan(s_longest, image.Name);
        }

        output.WriteLine($"{images} images of {HostileCorpus.All.Count}, {most} and {longest.TotalSeconds:0.00} s of the processors at most");
    }

    [Fact]
    public async Task Neither_do_the_longest_tables_that_a_sound_one_may_have()
    {
        // 2 PiB: an L1 table of 32 MiB, in a file that is nothing but holes.
        ImageMutant image = new ImageMutant().U64(24, 1UL << 51).U32(36, 1 << 22).U64(48, 0).U32(56, 0).U64(ImageMutant.L1, 0);
        await File.WriteAllBytesAsync(_directory["disk.img"], image.Bytes[..(2 * ImageMutant.Cluster)], TestContext.Current.CancellationToken);
        using (FileStream file = new(_directory["disk.img"], FileMode.Open))
        {
            file.SetLength(40 << 20);
        }

        (WorkerMessage answer, ByteSize peak) = await LookAsync("qcow2");

        answer.Report.ShouldNotBeNull(answer.Error?.Message).VirtualSize.ShouldBe(new ByteSize(1L << 51));
        output.WriteLine($"{peak}");
        peak.ShouldBeLessThan(s_most);
    }

    [Theory]
    [InlineData("xz that wants 2 GiB", "fd377a585a0000016922de360200210126000000d5d7ce53")]
    [InlineData("xz that wants 4 GiB", "fd377a585a0000016922de360200210128000000e6a011b3")]
    [InlineData("zstd that wants 256 MiB", "28b52ffd0090")]
    public async Task What_wants_more_to_be_unwrapped_is_refused(string what, string head)
    {
        await File.WriteAllBytesAsync(_directory["disk.img"], [.. Convert.FromHexString(head), 1, 0, 0, (byte)'x', .. new byte[64]], TestContext.Current.CancellationToken);

        (WorkerMessage answer, ByteSize peak) = await LookAsync(null);

        answer.Error.ShouldNotBeNull(what).Kind.ShouldBeOneOf([StorageErrorKind.NotSupported, StorageErrorKind.Corrupt], answer.Error!.Message);
        peak.ShouldBeLessThan(s_most, what);
    }

    private Task<(WorkerMessage Answer, ByteSize Peak)> LookAsync(string? format) => AskAsync(Request(format) with { GoOver = true });

    // Into a volume that has room for any disk, all of it holes.
    private async Task<(WorkerMessage Answer, ByteSize Peak)> ImportAsync()
    {
        using SafeFileHandle volume = File.OpenHandle(_directory["volume"], FileMode.Create, FileAccess.ReadWrite);
        return await AskAsync(Request("qcow2") with { Import = new() { VolumeSize = new(1L << 62), WriteBudget = ByteSize.GiB(1), ReadsZero = true } }, volume);
    }

    private static WorkerRequest Request(string? format) => new() { Plugins = [Path.Combine(BuiltHost.Plugins, "eve.qcow2")], Format = format, ImageName = "disk.img" };

    private async Task<(WorkerMessage Answer, ByteSize Peak)> AskAsync(WorkerRequest request, params SafeFileHandle[] targets)
    {
        using SafeFileHandle image = File.OpenHandle(_directory["disk.img"]);
        (WorkerMessage answer, _) = await WorkerProcess.AskAsync(request, new ImageInput(image, "disk.img"), targets, static _ => { }, static _ => { }, TestContext.Current.CancellationToken);
        return (answer, answer.PeakMemory.ShouldNotBeNull());
    }
}
