using System.IO.Pipes;
using EveStorage.Cli.Api;
using EveStorage.Host.Operations;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>Volumes that are written to images, as QEMU's own tools read them.</summary>
public sealed class SavedImageTests : IAsyncLifetime
{
    // More than one L2 table maps, and a disk that no cluster ends with.
    private const long Size = (600 << 20) + 4096;

    private readonly TestEngine _host = new();

    public async ValueTask InitializeAsync()
        => await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("empty", mebibytes: 64));

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task QEMU_finds_nothing_wrong_with_a_qcow2_and_the_same_disk_in_it_from_a_file_and_through_a_pipe()
    {
        await MakeVolumeAsync();
        foreach ((string? compression, bool pipe) in from kind in (string?[])[null, "zlib", "zstd"] from pipe in (bool[])[false, true] select (kind, pipe))
        {
            string path = await SaveAsync(Raw("vm1") with { Format = "qcow2", Compression = compression }, pipe);

            await QemuImages.RunAsync("qemu-img", "check", "-f", "qcow2", path);   // leaks and errors are other exit codes than 0
            await QemuImages.RunAsync("qemu-img", "compare", "-f", "qcow2", "-F", "qcow2", path, _host["disk.qcow2"]);
            new FileInfo(path).Length.ShouldBeLessThan(10 << 20, compression);
        }
    }

    [Fact]
    public async Task A_raw_image_has_every_byte_of_it_and_in_a_file_its_holes()
    {
        await MakeVolumeAsync();
        foreach (bool pipe in (bool[])[false, true])
        {
            string path = await SaveAsync(Raw("vm1"), pipe);

            await QemuImages.RunAsync("qemu-img", "compare", "-f", "raw", "-F", "qcow2", path, _host["disk.qcow2"]);
            new FileInfo(path).Length.ShouldBe(Size);
            (pipe ? 0 : BlockFile.Look(path).Allocated).ShouldBeLessThan(10 << 20);
        }
    }

    [Fact]
    public async Task Saving_to_a_pipe_that_nobody_reads_can_be_cancelled()
    {
        using AnonymousPipeServerStream pipe = new(PipeDirection.In);
        using SafeFileHandle writer = new(pipe.ClientSafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        Guid id = await _host.Api.SubmitAsync(Raw("empty"), writer, default);
        OperationState state = OperationState.Running;
        await foreach (OperationReport report in _host.Api.WatchOperationAsync(id, default))
        {
            state = report.State;
            if (report.Steps[0].Outcome == "running")
            {
                await _host.Api.CancelOperationAsync(id, default);
            }
        }

        state.ShouldBe(OperationState.Cancelled);
    }

    [Fact]
    public async Task A_reader_that_ends_before_the_image_does_is_told_of()
    {
        AnonymousPipeServerStream pipe = new(PipeDirection.In);
        using SafeFileHandle writer = new(pipe.ClientSafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        pipe.SafePipeHandle.Dispose();

        OperationReport report = await _host.RunAsync(Raw("empty"), writer);

        report.Error.ShouldNotBeNull().Message.ShouldContain("has no reader any more, before its end");
        pipe.Dispose();
    }

    [Theory]
    [InlineData("raw", "zstd", "can't be compressed by 'zstd' as raw: ask for --format qcow2, or leave --compression out")]
    [InlineData("qcow2", "lz4", "can't be compressed by 'lz4' as qcow2: there are zlib, zstd")]
    [InlineData("vmdk", null, "'vmdk' can't be written here; there are raw, qcow2")]
    public async Task What_can_not_be_written_is_refused_before_anything_is_done(string format, string? compression, string sentence)
    {
        using SafeFileHandle file = File.OpenHandle(_host["vm1.img"], FileMode.CreateNew, FileAccess.ReadWrite);

        StorageException refused = await Should.ThrowAsync<StorageException>(() => _host.RunAsync(Raw("empty") with { Format = format, Compression = compression }, file));

        (refused.Kind, refused.Message).ShouldBe((StorageErrorKind.NotSupported, $"saved.img: {sentence}"));
    }

    [Theory]
    [InlineData("raw")]
    [InlineData("qcow2")]
    public async Task It_goes_nowhere_as_it_goes_to_a_pipe(string format)
    {
        using SafeFileHandle nowhere = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.Write);

        OperationReport report = await _host.RunAsync(Raw("empty") with { Format = format }, nowhere);

        report.State.ShouldBe(OperationState.Succeeded, $"{report.Error}");
    }

    private static SaveImage Raw(string volume) => new() { Pool = TestEngine.Pool, Volume = new(volume), ImageName = "saved.img" };

    private async Task MakeVolumeAsync()
    {
        await File.WriteAllBytesAsync(_host["noise"], Noise(3 << 20), TestContext.Current.CancellationToken);
        await QemuImages.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", _host["disk.qcow2"], $"{Size}");
        await QemuImages.WriteAsync(
            _host["disk.qcow2"],
            "write -P 17 0 700000", "write -P 18 1048576 65536", "write -z 1060000 8000", $"write -s {_host["noise"]} 2000000 3M", "write -P 19 300000000 1234567", "write -P 21 536870000 2000000", $"write -P 20 {Size - 512} 512");
        using SafeFileHandle image = File.OpenHandle(_host["disk.qcow2"]);
        OperationReport imported = await _host.RunAsync(TestEngine.Import("vm1") with { Verify = false }, image);
        imported.State.ShouldBe(OperationState.Succeeded, $"{imported.Error}");
    }

    private static byte[] Noise(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private async Task<string> SaveAsync(SaveImage request, bool toPipe)
    {
        string path = _host["saved"];
        await using FileStream file = File.Create(path);
        OperationReport report = toPipe ? await SaveToPipeAsync(request, file) : await _host.RunAsync(request, file.SafeFileHandle);
        report.State.ShouldBe(OperationState.Succeeded, $"{report.Error}");
        return path;
    }

    private async Task<OperationReport> SaveToPipeAsync(SaveImage request, FileStream file)
    {
        using AnonymousPipeServerStream pipe = new(PipeDirection.In);
        SafeFileHandle writer = new(pipe.ClientSafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        Task copying = pipe.CopyToAsync(file, TestContext.Current.CancellationToken);
        OperationReport report = await _host.RunAsync(request, writer);
        pipe.DisposeLocalCopyOfClientHandle();
        await copying;
        await file.FlushAsync(TestContext.Current.CancellationToken);
        return report;
    }
}
