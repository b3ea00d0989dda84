using EveStorage.Cli.Api;
using EveStorage.Host.Images;
using EveStorage.Host.Lazy;
using EveStorage.Host.Operations;

namespace EveStorage.Tests;

/// <summary>The end of a copy, while guests wait for the image: all of it is the volume's own by then, and nobody misses the image.</summary>
public sealed class CopyEndTests : IAsyncLifetime
{
    private const int Length = 16 << 20;
    private const int Place = 12 << 20;   // far from what is fetched to open it

    private readonly TestEngine _host = new();
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] _image = new byte[Length];
    private readonly PowerCutBlocks _data = new(new byte[Length]);
    private ImageServer _server = null!;
    private LazyVolume _volume = null!;

    public async ValueTask InitializeAsync()
    {
        new Random(12).NextBytes(_image);
        _server = await ImageServer.StartAsync(_image);
        ImageNote note = await NoteAsync();
        PowerCutBlocks bits = new(new byte[MapStore.LengthFor(new(Length)).Bytes]);
        await using (MapStore store = new(bits, "map"))
        {
            await store.CreateAsync(note, TestContext.Current.CancellationToken);
        }

        _volume = await LazyVolume.OpenAsync(_data, new(bits, "map"), _ => new(note, TestConversion.Of(_host), TimeProvider.System), TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _volume.DisposeAsync();
        await _server.DisposeAsync();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task A_read_that_waits_for_the_image_meanwhile_gets_what_was_copied()
    {
        byte[] read = new byte[8192];
        await HoldImageAsync();
        Task reading = _volume.ReadAsync(Place, read, TestContext.Current.CancellationToken).AsTask();
        await _asked.Task;

        await EndCopyAsync();

        await reading;
        read.AsSpan().SequenceEqual(_image.AsSpan(Place, read.Length)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_write_that_waits_for_the_rest_of_its_block_meanwhile_goes_over_what_was_copied()
    {
        byte[] written = Enumerable.Repeat((byte)7, 512).ToArray();
        await HoldImageAsync();
        Task writing = _volume.WriteAsync((Place) + 512, written, WriteDurability.Stable, TestContext.Current.CancellationToken).AsTask();
        await _asked.Task;

        await EndCopyAsync();

        await writing;
        written.CopyTo(_image, (Place) + 512);
        byte[] held = new byte[Length];
        await _volume.ReadAsync(0, held, TestContext.Current.CancellationToken);
        held.AsSpan().SequenceEqual(_image).ShouldBeTrue();
    }

    [Fact]
    public async Task A_volume_is_changed_the_moment_it_is_an_ordinary_one()
    {
        await using LazyHost host = await LazyHost.StartAsync(0);
        host.WriteImage(256 << 10);
        for (int time = 0; time < 8; time++)
        {
            (await host.ImportAsync(LazyHost.Request())).State.ShouldBe(OperationState.Succeeded);
            await host.UntilAsync(static report => report is null);

            await host.Engine.DoAsync(new DeleteVolume { Pool = TestEngine.Pool, Volume = new("vm1") });
        }
    }

    // It is open, and then its server takes what is asked for, and sends nothing until whoever asked is gone.
    private async Task HoldImageAsync()
    {
        await _volume.ReadAsync(0, new byte[512], TestContext.Current.CancellationToken);
        _server.Sending = (context, _) =>
        {
            _asked.TrySetResult();
            return Task.Delay(Timeout.Infinite, context.RequestAborted);
        };
    }

    private async Task EndCopyAsync()
    {
        await _volume.KeepAsync(0, Length, _image.ToArray(), copied: true);
        await _volume.FlushAsync(TestContext.Current.CancellationToken);
        await _volume.MakeOrdinaryAsync();
    }

    private async Task<ImageNote> NoteAsync()
    {
        await using ImageInput image = await TestConversion.Of(_host).OpenUrlAsync(new(_server.Url), "disk.img", digest: false, TestContext.Current.CancellationToken);
        return new()
        {
            Volume = Guid.NewGuid(),
            Size = new(Length),
            Granule = LazyMap.GranuleFor(new(Length)),
            ReadsZero = true,
            ImageName = "disk.img",
            Url = _server.Url,
            Identity = image.Ranges.ShouldNotBeNull().Identity.ShouldNotBeNull(),
            ImageFormat = "raw",
        };
    }
}
