using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using EveStorage.Cli.Api;
using EveStorage.Host.Images;
using EveStorage.Host.Urls;
using Microsoft.AspNetCore.Http;

namespace EveStorage.Tests;

/// <summary>Images that are fetched from a server which behaves, and from those which don't.</summary>
public sealed class UrlImportTests : IAsyncLifetime
{
    private const int Length = 12 << 20;

    private TestEngine _host = new();
    private ImageServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        byte[] image = new byte[Length];
        new Random(3).NextBytes(image);
        _server = await ImageServer.StartAsync(image);
        await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("other"));
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Reads_a_raw_image_by_few_ranges_and_each_byte_once()
    {
        OperationReport report = await _host.RunAsync(Request());

        await RequireWholeAsync(report);
        _server.Sent.ShouldBe(Length + 1, string.Join(" ", _server.Asked));   // the first byte tells what there is
        _server.Asked.Count.ShouldBeLessThan(8);
        report.Results["fetched"].ShouldBe($"{Length}");
    }

    [Fact]
    public async Task Reads_an_answer_to_its_end_also_when_what_lies_behind_it_is_asked_for_first()
    {
        UrlOrder order = new() { Url = new(_server.Url), Name = "disk.img", Limits = new(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1)), Digest = false, Time = TimeProvider.System };
        await using ImageInput image = await UrlOpening.OpenAsync(order, TestContext.Current.CancellationToken);

        foreach (int block in (int[])[0, 1, 2, 3, 4, 6, 5])
        {
            ReadOnlyMemory<byte> bytes = await image.Ranges!.ReadAsync((long)block << 20, 16, TestContext.Current.CancellationToken);
            bytes.Span.SequenceEqual(_server.Image.AsSpan(block << 20, 16)).ShouldBeTrue();
        }

        _server.Asked.ShouldBe(["bytes=0-0", "bytes=0-2097151", "bytes=2097152-6291455", "bytes=6291456-12582911"]);
    }

    [Fact]
    public async Task Reads_a_qcow2_by_ranges_and_checks_the_digest_of_all_of_it()
    {
        await File.WriteAllBytesAsync(_host["plain"], _server.Image, TestContext.Current.CancellationToken);
        await QemuImages.RunAsync("qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-c", _host["plain"], _host["packed"]);
        byte[] disk = _server.Image;
        _server.Image = await File.ReadAllBytesAsync(_host["packed"], TestContext.Current.CancellationToken);
        string digest = Convert.ToHexStringLower(SHA256.HashData(_server.Image));

        OperationReport good = await _host.RunAsync(Request(null) with { Sha256 = digest });
        OperationReport bad = await _host.RunAsync(Request(null) with { Volume = new("vm2"), Sha256 = new string('0', 64) });

        await RequireWholeAsync(good, disk);
        good.Results["imageSha256"].ShouldBe(digest);
        (bad.State, bad.Error?.Kind).ShouldBe((OperationState.Failed, StorageErrorKind.Corrupt));
        (await _host.Api.ListVolumesAsync(null, default)).Select(volume => $"{volume.Name}").ShouldBe(["other", "vm1"]);
    }

    [Fact]
    public async Task Tells_what_an_image_holds_of_which_it_fetches_no_data()
    {
        await File.WriteAllBytesAsync(_host["plain"], _server.Image, TestContext.Current.CancellationToken);
        await QemuImages.RunAsync("qemu-img", "convert", "-f", "raw", "-O", "qcow2", _host["plain"], _host["image"]);
        int length = _server.Image.Length;
        _server.Image = await File.ReadAllBytesAsync(_host["image"], TestContext.Current.CancellationToken);

        ImageReport report = await _host.Api.InspectUrlAsync(new() { Url = _server.Url }, TestContext.Current.CancellationToken);

        (report.Format, report.VirtualSize).ShouldBe(("qcow2", new ByteSize(length)));
        report.DataSize.ShouldNotBeNull().Bytes.ShouldBe(length);
        _server.Sent.ShouldBeLessThan(_server.Image.Length / 4);
        (await Should.ThrowAsync<StorageException>(() => _host.Api.InspectUrlAsync(new() { Url = "ftp://127.0.0.1/disk.img" }, default))).Message.ShouldContain("only http and https");
    }

    [Theory]
    [InlineData(false, "\"one\"")]
    [InlineData(true, null)]
    [InlineData(true, "W/\"weak\"")]
    public async Task Takes_what_comes_without_ranges_or_without_a_state_as_a_stream(bool ranges, string? tag)
    {
        (_server.Ranges, _server.Tag) = (ranges, tag);

        OperationReport report = await _host.RunAsync(Request() with { Size = new(Length) });

        await RequireWholeAsync(report);
        report.Results.Keys.ShouldNotContain("fetched");
    }

    [Fact]
    public async Task Unwraps_what_is_wrapped()
    {
        byte[] disk = _server.Image;
        using MemoryStream wrapped = new();
        await using (GZipStream gzip = new(wrapped, CompressionLevel.Fastest, leaveOpen: true))
        {
            await gzip.WriteAsync(disk, TestContext.Current.CancellationToken);
        }

        _server.Image = wrapped.ToArray();

        OperationReport report = await _host.RunAsync(Request() with { Size = new(Length) });

        await RequireWholeAsync(report, disk);
    }

    [Fact]
    public async Task Follows_a_redirect()
    {
        _server.Instead = Redirect(context => context.Request.Path == "/latest", "/disk.img");

        OperationReport report = await _host.RunAsync(Request() with { Url = _server.Url.Replace("disk.img", "latest", StringComparison.Ordinal) });

        await RequireWholeAsync(report);
    }

    [Theory]
    [InlineData("file:///etc/passwd", StorageErrorKind.NotSupported, "is redirected to a file URL")]
    [InlineData("ftp://127.0.0.1/disk.img", StorageErrorKind.NotSupported, "is redirected to a ftp URL")]
    [InlineData("/disk.img", StorageErrorKind.Unavailable, "is redirected more than 8 times")]
    public async Task Refuses_a_redirect_elsewhere_and_one_without_end(string to, StorageErrorKind kind, string reason)
    {
        _server.Instead = Redirect(static _ => true, to);

        await RequireRefusedAsync(kind, reason);
    }

    [Theory]
    [InlineData(404, StorageErrorKind.NotFound, "is not there: its server answered 404")]
    [InlineData(403, StorageErrorKind.Unavailable, "may not be fetched: its server answered 403")]
    [InlineData(416, StorageErrorKind.Corrupt, "is empty")]
    public async Task Tells_what_its_server_refuses(int status, StorageErrorKind kind, string reason)
    {
        _server.Instead = context =>
        {
            context.Response.StatusCode = status;
            return Task.FromResult(true);
        };

        await RequireRefusedAsync(kind, reason);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Refuses_an_image_that_changes_while_it_is_read(bool asksFirst)
    {
        // One server holds to If-Match, another sends the new one all the same.
        _server.Instead = context =>
        {
            // Which range is asked for first is for the worker's threads to decide among them.
            string range = context.Request.Headers.Range.ToString();
            if (range.StartsWith("bytes=", StringComparison.Ordinal) && long.Parse(range["bytes=".Length..range.IndexOf('-', StringComparison.Ordinal)], CultureInfo.InvariantCulture) >= 2 << 20)
            {
                _server.Tag = "\"two\"";
                if (!asksFirst)
                {
                    context.Request.Headers.IfMatch = default;
                }
            }

            return Task.FromResult(false);
        };

        await RequireFailedAsync(StorageErrorKind.Conflict, "has changed on its server");
    }

    [Fact]
    public async Task Goes_on_where_a_connection_broke_and_where_the_server_was_busy()
    {
        int failures = 0;
        _server.Sending = (context, at) =>
        {
            if (at % (4 << 20) == 1 << 20 && ++failures % 2 == 1)
            {
                context.Abort();
            }

            return Task.CompletedTask;
        };
        _server.Instead = context =>
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return Task.FromResult(_server.Asked.Count == 3);
        };

        OperationReport report = await _host.RunAsync(Request());

        await RequireWholeAsync(report);
        failures.ShouldBeGreaterThan(2);
        long.Parse(report.Results["fetched"], CultureInfo.InvariantCulture).ShouldBeLessThan(Length + (failures << 20));
    }

    [Theory]
    [InlineData(true, "can't be fetched: its server sent nothing for 1 s")]
    [InlineData(false, "stopped coming: its server sent nothing for 1 s")]
    public async Task Gives_up_a_server_that_stalls(bool ranges, string reason)
    {
        await PatientAsync(3);
        _server.Ranges = ranges;
        _server.Sending = (context, at) => at < 6 << 20 ? Task.CompletedTask : Task.Delay(Timeout.Infinite, context.RequestAborted);

        await RequireFailedAsync(StorageErrorKind.Unavailable, reason);
    }

    [Theory]
    [InlineData(true, "can't be fetched: ")]
    [InlineData(false, "ended before its end: ")]
    public async Task Gives_up_an_image_that_is_cut_short(bool ranges, string reason)
    {
        await PatientAsync(3);
        _server.Ranges = ranges;
        _server.Sending = (context, at) =>
        {
            if (at >= 6 << 20)
            {
                context.Abort();
            }

            return Task.CompletedTask;
        };

        await RequireFailedAsync(StorageErrorKind.Unavailable, reason);
    }

    [Fact]
    public async Task Ends_a_stream_without_end()
    {
        _server.Instead = async context =>
        {
            byte[] piece = new byte[1 << 20];
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.Body.WriteAsync(piece, context.RequestAborted);
            }

            return true;
        };

        await RequireFailedAsync(StorageErrorKind.Corrupt, "goes on for more than 67108864 bytes beyond the 12582912 that were announced");
    }

    [Fact]
    public async Task Tells_who_is_not_there_and_does_not_wait_for_long()
    {
        await PatientAsync(3);
        ImportImage request = Request();
        await _server.DisposeAsync();

        (await Should.ThrowAsync<StorageException>(() => _host.RunAsync(request))).Kind.ShouldBe(StorageErrorKind.Unavailable);
    }

    [Theory]
    [InlineData("ftp://example.org/disk.img", "is at a ftp URL")]
    [InlineData("http://me:secret@example.org/disk.img", "has a password in its URL")]
    [InlineData("disk.img", "is no URL")]
    public async Task Refuses_what_it_does_not_fetch(string url, string reason)
    {
        StorageException e = await Should.ThrowAsync<StorageException>(() => _host.RunAsync(Request() with { Url = url }));

        (e.Kind, e.Message.Contains("secret", StringComparison.Ordinal)).ShouldBe((StorageErrorKind.InvalidConfiguration, false));
        e.Message.ShouldContain(reason);
    }

    private ImportImage Request(string? format = "raw")
        => new() { Pool = TestEngine.Pool, Volume = new("vm1"), ImageName = "disk.img", Url = _server.Url, Format = format };

    private static Func<HttpContext, Task<bool>> Redirect(Func<HttpContext, bool> when, string to) => context =>
    {
        if (when(context))
        {
            context.Response.Redirect(to);
            return Task.FromResult(true);
        }

        return Task.FromResult(false);
    };

    private async Task PatientAsync(int patience)
    {
        await _host.DisposeAsync();
        _host = new(patience: patience);
        await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("other"));
    }

    // Before there is an operation.
    private async Task RequireRefusedAsync(StorageErrorKind kind, string reason)
    {
        StorageException e = await Should.ThrowAsync<StorageException>(() => _host.RunAsync(Request()));

        e.Kind.ShouldBe(kind);
        e.Message.ShouldContain(reason);
    }

    private async Task RequireFailedAsync(StorageErrorKind kind, string reason)
    {
        PoolState before = await PoolState.OfAsync(_host);

        OperationReport report = await _host.RunAsync(Request() with { Size = new(Length) });

        report.State.ShouldBe(OperationState.Failed);
        report.Error.ShouldNotBeNull().Kind.ShouldBe(kind, report.Error.Message);
        report.Error.Message.ShouldContain(reason);
        (await PoolState.OfAsync(_host)).ShouldBe(before);
    }

    private async Task RequireWholeAsync(OperationReport report, byte[]? disk = null)
    {
        report.State.ShouldBe(OperationState.Succeeded, report.Error?.Message);
        byte[] volume = await File.ReadAllBytesAsync(Path.Combine(_host.PoolPath, "volumes/vm1/image"), TestContext.Current.CancellationToken);
        long.Parse(report.Results["size"], CultureInfo.InvariantCulture).ShouldBe(volume.Length);
        volume.AsSpan().SequenceEqual(disk ?? _server.Image).ShouldBeTrue();
    }
}
