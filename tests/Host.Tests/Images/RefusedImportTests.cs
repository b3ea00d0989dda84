using System.Buffers.Binary;
using EveStorage.Cli.Api;
using EveStorage.Host.Operations;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>What is refused, or turns out bad on the way, leaves the pool as it was.</summary>
public sealed class RefusedImportTests : IAsyncLifetime
{
    private const string Secret = "secret,id=key,data=passphrase";

    private readonly TestEngine _host = new();

    private string Image => _host["disk.qcow2"];

    public async ValueTask InitializeAsync()
        => await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("other"));

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_backing_file()
    {
        await QemuImages.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", _host["base"], "4M");
        await QemuImages.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", "-b", _host["base"], "-F", "qcow2", Image);

        await RequireRefusedAsync(StorageErrorKind.NotSupported, "backing file");
    }

    [Fact]
    public async Task Data_in_another_file()
    {
        await QemuImages.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", "-o", $"data_file={_host["data"]}", Image, "4M");

        await RequireRefusedAsync(StorageErrorKind.NotSupported, "another file");
    }

    [Fact]
    public async Task Encryption()
    {
        await QemuImages.RunAsync(
            "qemu-img", "create", "-q", "-f", "qcow2", "--object", Secret, "-o", "encrypt.format=aes,encrypt.key-secret=key", Image, "4M");

        await RequireRefusedAsync(StorageErrorKind.NotSupported, "encrypted");
    }

    [Theory]
    [InlineData(35, 0x02, StorageErrorKind.NotSupported, "encrypted")]   // LUKS: QEMU 7.2 can't always make one on a busy machine
    [InlineData(79, 0x80, StorageErrorKind.NotSupported, "unknown incompatible features 0x80")]
    [InlineData(79, 0x02, StorageErrorKind.Corrupt, "marked corrupt")]
    [InlineData(42, 0x10, StorageErrorKind.Corrupt, "L1 table outside of the file")]
    [InlineData(36, 0x10, StorageErrorKind.Corrupt, "impossible L1 table")]
    public async Task A_header_that_is_not_read(int at, byte value, StorageErrorKind kind, string sentence)
    {
        await QemuImages.MakeAsync(Image, new("compat=1.1"));
        Patch(at, bytes => bytes[0] = value);

        await RequireRefusedAsync(kind, sentence);
    }

    [Fact]
    public async Task An_L2_table_outside_of_the_file()
    {
        await QemuImages.MakeAsync(Image, new("compat=1.1"));
        Patch(TableAt(40), static bytes => BinaryPrimitives.WriteUInt64BigEndian(bytes, 1UL << 40));

        await RequireRefusedAsync(StorageErrorKind.Corrupt, "an L2 table at");
    }

    [Theory]
    [InlineData("zlib")]
    [InlineData("zstd")]
    public async Task A_compressed_cluster_that_does_not_decode_after_others_that_were_written(string compression)
    {
        await QemuImages.MakeAsync(Image, new($"compat=1.1,compression_type={compression}", Compressed: true));
        long l1 = TableAt(40);
        long l2 = TableAt(l1) & 0x00FF_FFFF_FFFF_FE00;
        long last = (QemuImages.Size / 65536) * sizeof(ulong);
        Patch((TableAt(l2 + last) & ((1L << 54) - 1)) + 1, static bytes => bytes.Fill(0xFF));

        await RequireRefusedAsync(StorageErrorKind.Corrupt, "compressed cluster");
    }

    [Fact]
    public async Task Bytes_that_no_format_recognizes_are_not_taken_for_raw()
    {
        File.WriteAllBytes(Image, new byte[4096]);

        await RequireRefusedAsync(StorageErrorKind.NotSupported, "--format");
    }

    [Theory]
    [InlineData("vmdk", "VMDK")]
    [InlineData("vdi", "VDI")]
    [InlineData("vhdx", "VHDX")]
    [InlineData("vpc", "VHD")]
    [InlineData("parallels", "Parallels disk")]
    [InlineData("qed", "QED")]
    public async Task An_image_of_another_kind_is_named_and_nobody_is_told_to_call_it_raw(string kind, string name)
    {
        await QemuImages.RunAsync("qemu-img", "create", "-q", "-f", kind, Image, "4M");

        ErrorReport error = await ImportAsync();

        (error.Kind, error.Message).ShouldBe((StorageErrorKind.NotSupported, $"is a {name}, which is not read here: make a qcow2 of it with `qemu-img convert -O qcow2`"));
    }

    [Fact]
    public async Task An_image_in_an_archive_has_to_be_taken_out_of_it()
    {
        byte[] header = new byte[512];
        "disk.ovf"u8.CopyTo(header);
        "ustar"u8.CopyTo(header.AsSpan(257));
        File.WriteAllBytes(Image, header);

        await RequireRefusedAsync(StorageErrorKind.NotSupported, "is packed as tar, as an OVA is, which is not unpacked here: take the image out of it first");
    }

    private async Task RequireRefusedAsync(StorageErrorKind kind, string sentence)
    {
        PoolState before = await PoolState.OfAsync(_host);

        ErrorReport error = await ImportAsync();

        error.Kind.ShouldBe(kind, error.Message);
        error.Message.ShouldContain(sentence);
        (await PoolState.OfAsync(_host)).ShouldBe(before);
    }

    // It is refused while it is planned, which throws, or while it runs, which is undone.
    private async Task<ErrorReport> ImportAsync()
    {
        using SafeFileHandle image = File.OpenHandle(Image);
        try
        {
            OperationReport report = await _host.RunAsync(TestEngine.Import("vm1"), image);
            report.State.ShouldBe(OperationState.Failed);
            return report.Error.ShouldNotBeNull();
        }
        catch (StorageException refused)
        {
            return ErrorReport.Of(refused);
        }
    }

    private long TableAt(long at)
    {
        byte[] bytes = new byte[sizeof(long)];
        using SafeFileHandle file = File.OpenHandle(Image);
        RandomAccess.Read(file, bytes, at).ShouldBe(bytes.Length);
        return BinaryPrimitives.ReadInt64BigEndian(bytes);
    }

    private void Patch(long at, PatchBytes patch)
    {
        byte[] bytes = new byte[sizeof(long)];
        using SafeFileHandle file = File.OpenHandle(Image, FileMode.Open, FileAccess.ReadWrite);
        int read = RandomAccess.Read(file, bytes, at);
        patch(bytes.AsSpan(0, read));
        RandomAccess.Write(file, bytes.AsSpan(0, read), at);
    }

    private delegate void PatchBytes(Span<byte> bytes);
}
