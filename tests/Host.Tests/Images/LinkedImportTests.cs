using System.Buffers.Binary;
using System.Text;
using EveStorage.Cli.Api;
using EveStorage.Host.Operations;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>Images that name other files: what they say is hostile, and nothing is opened outside of the directory that the profile allows.</summary>
public sealed class LinkedImportTests : IAsyncLifetime
{
    private readonly TestEngine _host = new(images: true);

    private string Image => _host["disk.qcow2"];

    public async ValueTask InitializeAsync() => await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool });

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData("../state/secret", StorageErrorKind.Conflict, "leaves")]
    [InlineData("/etc/passwd", StorageErrorKind.Conflict, "leaves")]
    [InlineData("link", StorageErrorKind.Conflict, "symbolic link")]
    [InlineData("absent", StorageErrorKind.NotFound, "is not beneath")]
    [InlineData("directory", StorageErrorKind.NotSupported, "no regular file")]
    [InlineData("nbd:127.0.0.1:10809", StorageErrorKind.NotSupported, "by a protocol")]
    [InlineData("json:{\"driver\":\"file\",\"filename\":\"/etc/passwd\"}", StorageErrorKind.NotSupported, "by a protocol")]
    public async Task A_backing_file_that_is_not_a_plain_file_there_is_refused(string name, StorageErrorKind kind, string sentence)
    {
        Directory.CreateDirectory(Path.Combine(_host.Bases, "directory"));
        File.CreateSymbolicLink(Path.Combine(_host.Bases, "link"), "/etc/passwd");
        await OverlayAsync(name, "raw");

        ErrorReport error = await RefusedAsync();

        error.Kind.ShouldBe(kind, error.Message);
        error.Message.ShouldContain(sentence);
    }

    [Fact]
    public async Task A_backing_file_without_a_format_is_not_guessed()
    {
        File.WriteAllBytes(Path.Combine(_host.Bases, "base"), new byte[65536]);
        await OverlayAsync("base", null);

        (await RefusedAsync()).Message.ShouldContain("does not say what format");
    }

    [Fact]
    public async Task An_image_that_is_its_own_backing_file_ends()
    {
        await OverlayAsync("disk.qcow2", "qcow2");
        File.Copy(Image, Path.Combine(_host.Bases, "disk.qcow2"));

        ErrorReport error = await RefusedAsync();

        (error.Kind, error.Message).ShouldBe((StorageErrorKind.Corrupt, "has backing files that lie behind each other in a circle, disk.qcow2 among them: `qemu-img rebase -u` names another one, or none"));
    }

    [Fact]
    public async Task A_file_in_another_directory_names_files_from_there()
    {
        Directory.CreateDirectory(Path.Combine(_host.Bases, "deep"));
        File.WriteAllBytes(Path.Combine(_host.Bases, "base.raw"), Enumerable.Repeat((byte)5, 65536).ToArray());
        await QemuImages.RunAsync("qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", "../base.raw", "-F", "raw", Path.Combine(_host.Bases, "deep/middle.qcow2"), "1M");
        await OverlayAsync("deep/middle.qcow2", "qcow2");
        using SafeFileHandle image = File.OpenHandle(Image);

        (await _host.RunAsync(TestEngine.Import("vm1"), image)).State.ShouldBe(OperationState.Succeeded);

        File.ReadAllBytes(Path.Combine(_host.PoolPath, "volumes/vm1/image")).Count(value => value == 5).ShouldBe(65536);
    }

    [Fact]
    public async Task A_data_file_of_a_backing_file_that_was_cut_short_is_not_taken_for_zeros()
    {
        string data = Path.Combine(_host.Bases, "data.raw");
        await QemuImages.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", "-o", $"data_file={data}", Image, "1M");
        await QemuImages.WriteAsync(Image, "write -P 6 0 1M");
        using (FileStream file = File.OpenWrite(data))
        {
            file.SetLength(300000);
        }

        ErrorReport error = await RefusedAsync();

        error.Kind.ShouldBe(StorageErrorKind.Corrupt);
        error.Message.ShouldContain("was cut short");
    }

    [Fact]
    public async Task A_digest_that_is_not_the_images_leaves_no_volume()
    {
        await new ValidCorpus(_host.Bases).All().First().MakeAsync(Image);
        ImportImage request = TestEngine.Import("vm1") with { Verify = false, Sha256 = new('a', 64) };
        using SafeFileHandle file = File.OpenHandle(Image);
        await using FileStream stream = File.OpenRead(Image);

        foreach (OperationReport report in new[] { await _host.RunAsync(request, file), await _host.RunPipedAsync(request, stream) })
        {
            report.Error.ShouldNotBeNull().Kind.ShouldBe(StorageErrorKind.Corrupt);
            report.Error.Message.ShouldContain("has the SHA-256");
        }

        Directory.GetDirectories(Path.Combine(_host.PoolPath, "volumes")).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_raw_image_that_comes_through_a_pipe_is_as_long_as_was_said()
    {
        ImportImage request = TestEngine.Import("vm1", "raw") with { Verify = false, Size = ByteSize.MiB(2) };

        foreach ((int length, string sentence) in new[] { (1 << 20, "was cut short"), (3 << 20, "goes on for 1048576 bytes") })
        {
            OperationReport report = await _host.RunPipedAsync(request, new MemoryStream(new byte[length]));
            report.Error.ShouldNotBeNull().Message.ShouldContain(sentence);
        }

        (await Should.ThrowAsync<StorageException>(() => _host.RunPipedAsync(request with { Size = null }, new MemoryStream(new byte[4096])))).Message.ShouldContain("--size");
        Directory.GetDirectories(Path.Combine(_host.PoolPath, "volumes")).ShouldBeEmpty();
    }

    // QEMU looks at some names itself: the name is put in afterwards, where another one was.
    private async Task OverlayAsync(string name, string? format)
    {
        await QemuImages.RunAsync("qemu-img", ["create", "-q", "-u", "-f", "qcow2", "-b", "placeholder", "-F", format ?? "raw", Image, "1M"]);
        byte[] image = File.ReadAllBytes(Image);
        Encoding.UTF8.GetBytes(name).CopyTo(image, (int)BinaryPrimitives.ReadUInt64BigEndian(image.AsSpan(8)));
        BinaryPrimitives.WriteUInt32BigEndian(image.AsSpan(16), (uint)name.Length);
        if (format is null)
        {
            int first = (int)BinaryPrimitives.ReadUInt32BigEndian(image.AsSpan(100));
            BinaryPrimitives.ReadUInt32BigEndian(image.AsSpan(first)).ShouldBe(0xe2792acaU);
            image[first] = 1;   // an extension that nobody knows
        }

        File.WriteAllBytes(Image, image);
    }

    private async Task<ErrorReport> RefusedAsync()
    {
        using SafeFileHandle image = File.OpenHandle(Image);
        try
        {
            return (await _host.RunAsync(TestEngine.Import("vm1"), image)).Error.ShouldNotBeNull();
        }
        catch (StorageException refused)
        {
            return ErrorReport.Of(refused);
        }
    }
}
