using EveStorage.Cli.Api;
using EveStorage.Host.Operations;
using EveStorage.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>Images that go away, change, or are damaged while a volume lies over them.</summary>
public sealed class ImageAwayTests
{
    private const int Length = 16 << 20;

    [Fact]
    public async Task A_file_that_is_away_is_told_fails_reads_and_is_gone_on_with_when_it_is_back()
    {
        await using LazyHost host = await LazyHost.StartAsync(LazyHost.HeldBack);
        byte[] model = host.WriteImage(Length);
        await using (GuestDisk guest = await host.ConnectAsync(model))
        {
            await guest.WriteAsync(8 << 20, new byte[1 << 20]);
            await guest.FlushAsync();
        }

        File.Move(host.Engine["disk.img"], host.Engine["elsewhere.img"]);
        await host.RestartAsync(0);
        await using GuestDisk again = await host.ReconnectAsync(model);
        await host.UntilAsync(static report => report!.State == LazyReport.Waits);

        (await Should.ThrowAsync<StorageException>(async () => await again.TryReadAsync(12 << 20, 4096))).Kind.ShouldBe(StorageErrorKind.Io);
        await again.ReadAsync(8 << 20, 1 << 20);
        byte[] written = new byte[64 << 10];
        new Random(4).NextBytes(written);
        await again.WriteAsync(12 << 20, written);
        await again.ReadAsync(12 << 20, written.Length);
        (await host.ReportAsync()).ShouldNotBeNull().Problem.ShouldNotBeNull().ShouldContain("is not at");
        (await host.Engine.Api.DiagnoseAsync(TestContext.Current.CancellationToken)).ShouldHaveSingleItem().Message.ShouldContain("can't be read or kept now");

        File.Move(host.Engine["elsewhere.img"], host.Engine["disk.img"]);
        await host.RequireOrdinaryAsync(model);
        await again.ReadAsync(0, Length);
    }

    [Fact]
    public async Task Another_file_in_its_place_is_never_read()
    {
        await using LazyHost host = await LazyHost.StartAsync(LazyHost.HeldBack);
        byte[] model = host.WriteImage(Length);
        await using (GuestDisk guest = await host.ConnectAsync(model))
        {
        }

        await host.Engine.EndAsync();
        DateTime written = File.GetLastWriteTimeUtc(host.Engine["disk.img"]);
        File.Move(host.Engine["disk.img"], host.Engine["elsewhere.img"]);
        await File.WriteAllBytesAsync(host.Engine["disk.img"], new byte[Length], TestContext.Current.CancellationToken);
        File.SetLastWriteTimeUtc(host.Engine["disk.img"], written);
        await host.RestartAsync(0);
        await host.UntilAsync(static report => report!.State == LazyReport.Waits);
        (await host.ReportAsync()).ShouldNotBeNull().Problem.ShouldNotBeNull().ShouldContain("is another file now, or has changed");

        File.Delete(host.Engine["disk.img"]);
        File.CreateSymbolicLink(host.Engine["disk.img"], host.Engine["elsewhere.img"]);
        await host.UntilAsync(static report => report!.Problem!.Contains("link", StringComparison.Ordinal));

        File.Delete(host.Engine["disk.img"]);
        File.Move(host.Engine["elsewhere.img"], host.Engine["disk.img"]);
        await host.RequireOrdinaryAsync(model);
    }

    [Fact]
    public async Task A_file_that_is_written_to_meanwhile_is_copied_no_further()
    {
        await using LazyHost host = await LazyHost.StartAsync(512 << 10);
        await using GuestDisk guest = await host.ConnectAsync(host.WriteImage(Length));

        await using (FileStream file = new(host.Engine["disk.img"], FileMode.Open, FileAccess.Write))
        {
            file.Position = Length - 4096;
            await file.WriteAsync(new byte[512], TestContext.Current.CancellationToken);
        }

        await host.UntilAsync(static report => report!.State == LazyReport.Waits);
        (await host.ReportAsync()).ShouldNotBeNull().Problem.ShouldNotBeNull().ShouldContain("changed");
        await Should.ThrowAsync<StorageException>(async () => await guest.TryReadAsync(Length - 4096, 4096));
    }

    [Fact]
    public async Task A_server_that_is_away_fails_reads_and_is_gone_on_with_when_it_is_back()
    {
        await using LazyHost host = await LazyHost.StartAsync(LazyHost.HeldBack);
        byte[] model = new byte[Length];
        new Random(6).NextBytes(model);
        await using ImageServer server = await ImageServer.StartAsync([.. model]);
        bool isAway = false;
        server.Instead = context =>
        {
            context.Response.StatusCode = Volatile.Read(ref isAway) ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
            return Task.FromResult(Volatile.Read(ref isAway));
        };
        await using GuestDisk guest = await host.ConnectAsync(model, LazyHost.Request() with { Url = server.Url });
        await guest.ReadAsync(2 << 20, 1 << 20);

        Volatile.Write(ref isAway, true);
        await Should.ThrowAsync<StorageException>(async () => await guest.TryReadAsync(12 << 20, 4096));
        await guest.ReadAsync(2 << 20, 1 << 20);
        Volatile.Write(ref isAway, false);

        await host.RestartAsync(0);
        await host.RequireOrdinaryAsync(model);
    }

    [Fact]
    public async Task A_URL_whose_image_has_changed_is_never_read()
    {
        await using LazyHost host = await LazyHost.StartAsync(LazyHost.HeldBack);
        byte[] model = new byte[Length];
        new Random(7).NextBytes(model);
        await using ImageServer server = await ImageServer.StartAsync([.. model]);
        (await host.Engine.RunAsync(LazyHost.Request() with { Url = server.Url })).State.ShouldBe(OperationState.Succeeded);

        server.Tag = "\"two\"";
        await host.RestartAsync(0);
        await host.UntilAsync(static report => report!.State == LazyReport.Waits);
        (await host.ReportAsync()).ShouldNotBeNull().Problem.ShouldNotBeNull().ShouldContain("has changed");

        server.Tag = "\"one\"";
        await host.RequireOrdinaryAsync(model);
    }

    [Fact]
    public async Task A_damaged_cluster_is_told_by_its_place_with_what_to_do_and_passed_over_once_it_was_written()
    {
        const int Cluster = ImageMutant.Cluster;
        await using LazyHost host = await LazyHost.StartAsync(0);
        ImageMutant image = new ImageMutant().U64(ImageMutant.L2 + 8, ImageMutant.Compressed | (100UL << 54) | (ImageMutant.Data + Cluster));
        Array.Fill(image.Bytes, (byte)0xFF, ImageMutant.Data + Cluster, Cluster);
        byte[] model = [.. image.Bytes.AsSpan(ImageMutant.Data, Cluster), .. new byte[Cluster]];
        await File.WriteAllBytesAsync(host.Engine["disk.img"], image.Bytes, TestContext.Current.CancellationToken);
        await using GuestDisk guest = await host.ConnectAsync(model, LazyHost.Request(format: "qcow2"));
        await host.UntilAsync(static report => report!.State == LazyReport.Damaged);

        string problem = (await host.ReportAsync()).ShouldNotBeNull().Problem.ShouldNotBeNull();
        problem.ShouldStartWith("has a compressed cluster that does not decode, at byte 65536 of its disk; that stays so: write over it through an export");
        (await host.Engine.Api.DiagnoseAsync(TestContext.Current.CancellationToken)).ShouldHaveSingleItem().Message.ShouldContain(problem);
        StorageException refused = await SaveRefusalAsync(host);
        (refused.Kind, refused.Subject).ShouldBe((StorageErrorKind.Corrupt, $"{TestEngine.Pool}/vm1"));
        refused.Message.ShouldContain(problem);

        await guest.WriteAsync(Cluster, new byte[Cluster]);
        await host.RequireOrdinaryAsync(model);
    }

    private static async Task<StorageException> SaveRefusalAsync(LazyHost host)
    {
        using SafeFileHandle nowhere = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.Write);
        return await Should.ThrowAsync<StorageException>(() => host.Engine.RunAsync(new SaveImage { Pool = TestEngine.Pool, Volume = new("vm1"), ImageName = "nowhere", Format = "raw" }, nowhere));
    }
}
