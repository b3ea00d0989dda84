using System.Security.Cryptography;
using EveStorage.Cli.Api;
using EveStorage.Host.Operations;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>Imports through the real worker process and into the real pool, held against QEMU's own reading of the image.</summary>
public sealed class ImportMatrixTests : IAsyncLifetime
{
    private readonly TestEngine _host = new();

    // EVESTORAGE_LONG=1 takes every combination.
    private static bool IsLong { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";

    public async ValueTask InitializeAsync() => await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool });

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task What_QEMU_wrote_is_imported_as_QEMU_reads_it()
    {
        int number = 0;
        foreach (ImageCase image in ImageCase.Few().Concat(IsLong ? ImageCase.All() : []))
        {
            (string source, string expected) = (_host[$"{number}.qcow2"], _host[$"{number}.raw"]);
            await QemuImages.MakeAsync(source, image);
            await QemuImages.RunAsync("qemu-img", "convert", "-f", "qcow2", "-O", "raw", source, expected);

            OperationReport report = await ImportAsync(source, $"vm{number}", verify: true);

            report.State.ShouldBe(OperationState.Succeeded, $"{image}: {report.Error}");
            string digest = DigestOf(expected, image.Size);
            DigestOf(VolumeFile($"vm{number}"), image.Size).ShouldBe(digest, $"{image}");
            report.Results["sha256"].ShouldBe(digest, $"{image}");
            report.Results["format"].ShouldBe("qcow2", $"{image}");
            File.Delete(source);
            File.Delete(expected);
            number++;
        }
    }

    [Fact]
    public async Task A_sparse_image_of_more_than_4_GiB_is_imported_without_its_holes()
    {
        const long Size = (9L << 30) + 512;
        string source = _host["large.qcow2"];
        await QemuImages.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", source, $"{Size}");
        await QemuImages.WriteAsync(source, "write -P 1 0 4096", $"write -P 2 {(4L << 30) - 4096} 8192", $"write -P 3 {Size - 512} 512");

        OperationReport report = await ImportAsync(source, "large", verify: IsLong);

        report.State.ShouldBe(OperationState.Succeeded, $"{report.Error}");
        new FileInfo(VolumeFile("large")).Length.ShouldBeInRange(Size, Size + 4096);
        await QemuImages.RunAsync("qemu-img", "compare", "-f", "qcow2", "-F", "raw", source, VolumeFile("large"));
        VolumeReport volume = await _host.Api.GetVolumeAsync(TestEngine.Pool, new("large"), TestContext.Current.CancellationToken);
        volume.Allocated.Bytes.ShouldBeLessThan(1 << 20);
    }

    [Fact]
    public async Task A_snapshot_is_found_in_a_stream_however_late_it_is_told_of()
    {
        (string source, string expected) = (_host["late.qcow2"], _host["late.raw"]);
        await QemuImages.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", source, "64M");
        await QemuImages.WriteAsync(source, "write -P 1 0 24M");
        await QemuImages.RunAsync("qemu-img", "snapshot", "-c", "one", source);
        await QemuImages.WriteAsync(source, "write -P 2 1M 4M");
        await QemuImages.RunAsync("qemu-img", "convert", "-f", "qcow2", "-O", "raw", "-l", "snapshot.name=one", source, expected);

        await using FileStream stream = File.OpenRead(source);
        OperationReport report = await _host.RunPipedAsync(TestEngine.Import("vm1", "qcow2") with { Snapshot = "one", Verify = false }, stream);

        report.State.ShouldBe(OperationState.Succeeded, $"{report.Error}");
        await QemuImages.RunAsync("qemu-img", "compare", "-f", "raw", "-F", "raw", expected, VolumeFile("vm1"));
    }

    [Fact]
    public async Task A_stream_of_nothing_is_called_empty()
        => (await Should.ThrowAsync<StorageException>(() => _host.RunPipedAsync(TestEngine.Import("vm1") with { Verify = false }, new MemoryStream())))
            .Message.ShouldContain("is empty: an image holds at least one byte");

    private string VolumeFile(string name) => Path.Combine(_host.PoolPath, "volumes", name, "image");

    // Of the disk: a volume may be longer by less than a block.
    private static string DigestOf(string path, long size)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes.AsSpan((int)size).ContainsAnyExcept((byte)0).ShouldBeFalse();
        return Convert.ToHexStringLower(SHA256.HashData(bytes.AsSpan(0, (int)size)));
    }

    private async Task<OperationReport> ImportAsync(string path, string volume, bool verify)
    {
        using SafeFileHandle image = File.OpenHandle(path);
        return await _host.RunAsync(TestEngine.Import(volume) with { Verify = verify }, image);
    }
}
