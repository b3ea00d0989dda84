using EveStorage.Host.Lazy;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>
/// Power cuts between a volume, its map and a guest's flush, on drives whose caches lose what was not flushed. What was flushed is there
/// afterwards; each sector that was not is as it was before it was written, or as it was written at some time since the last flush.
/// </summary>
public sealed class LazyPowerCutTests(ITestOutputHelper output) : IAsyncDisposable
{
    private const int Sector = 512;
    private const int Length = (1 << 20) + (5 * Sector);   // it ends in a granule

    private readonly TestEngine _host = new();

    // EVESTORAGE_LONG=1 takes all of it, which is some minutes: each cut starts a worker.
    private static int Cuts { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1" ? 300 : 12;

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task What_was_flushed_is_there_after_a_cut_and_the_rest_is_the_images()
    {
        Random random = new(8);
        int acts = 0;
        byte[] image = new byte[Length];
        random.NextBytes(image);
        image.AsSpan(1 << 19, 1 << 18).Clear();
        await File.WriteAllBytesAsync(_host["disk.img"], image, TestContext.Current.CancellationToken);
        ImageNote note = Note();
        byte[] volume = new byte[Length];
        byte[] map = new byte[MapStore.LengthFor(new(Length)).Bytes];
        FlushedModel model = new([.. image]);
        await using (MapStore store = new(new PowerCutBlocks(map), "map"))
        {
            await store.CreateAsync(note, TestContext.Current.CancellationToken);
        }

        for (int cut = 0; cut < Cuts; cut++)
        {
            (PowerCutBlocks data, PowerCutBlocks bits) = (new(volume), new(map));
            LazyVolume opened = await LazyVolume.OpenAsync(data, new(bits, "map"), _ => new(note, TestConversion.Of(_host), TimeProvider.System), TestContext.Current.CancellationToken);
            using CancellationTokenSource stop = new();
            Task copying = new LazyCopy(opened, random.Next(2) == 0 ? new(1 << 16) : new(4 << 20), static _ => { }, TimeProvider.System).RunAsync(stop.Token);
            for (int act = random.Next(60); act > 0; act--, acts++)
            {
                await ActAsync(opened, model, random);
            }

            data.Cut(random);
            bits.Cut(random);
            await stop.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(() => copying.IsCompletedSuccessfully ? Task.FromCanceled(stop.Token) : copying);
            await opened.DisposeAsync();
            await RequireAsync(note, volume, map, model);
        }

        output.WriteLine($"{acts} acts and {Cuts} cuts");
    }

    private static async Task ActAsync(LazyVolume volume, FlushedModel model, Random random)
    {
        int length = Sector * random.Next(1, random.Next(2) == 0 ? 8 : 200);
        int offset = Sector * random.Next((Length - length) / Sector);
        switch (random.Next(6))
        {
            case 0:
                await volume.FlushAsync(CancellationToken.None);
                model.Flushed();
                break;
            case 1:
                model.Writing(offset, new byte[length]);
                await volume.WriteZeroesAsync(offset, length, CancellationToken.None);
                break;
            case <= 4:
                byte[] data = new byte[length];
                random.NextBytes(data);
                model.Writing(offset, data);
                bool lasts = random.Next(4) == 0;
                await volume.WriteAsync(offset, data, lasts ? WriteDurability.Stable : WriteDurability.Cached, CancellationToken.None);
                if (lasts)
                {
                    model.Flushed(offset, length);
                }

                break;
            default:
                byte[] read = new byte[length];
                await volume.ReadAsync(offset, read, CancellationToken.None);
                read.AsSpan().SequenceEqual(model.Current.AsSpan(offset, length)).ShouldBeTrue();
                break;
        }
    }

    private async Task RequireAsync(ImageNote note, byte[] volume, byte[] map, FlushedModel model)
    {
        byte[] read = new byte[Length];
        await using (LazyVolume opened = await LazyVolume.OpenAsync(
            new PowerCutBlocks([.. volume]), new(new PowerCutBlocks([.. map]), "map"), _ => new(note, TestConversion.Of(_host), TimeProvider.System), TestContext.Current.CancellationToken))
        {
            await opened.ReadAsync(0, read, TestContext.Current.CancellationToken);
        }

        await model.SettleAsync((offset, target) =>
        {
            read.AsMemory(offset, target.Length).CopyTo(target);
            return Task.CompletedTask;
        });
        read.AsSpan().CommonPrefixLength(model.Current).ShouldBe(Length);
    }

    private ImageNote Note()
    {
        using SafeFileHandle file = File.OpenHandle(_host["disk.img"]);
        return new()
        {
            Volume = Guid.NewGuid(),
            Size = new(Length),
            Granule = LazyMap.GranuleFor(new(Length)),
            ReadsZero = true,
            ImageName = "disk.img",
            Path = _host["disk.img"],
            Identity = LastingFile.IdentityOf(file, "disk.img")!,
            ImageFormat = "raw",
        };
    }
}
