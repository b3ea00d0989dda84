using EveStorage.Host.Checks;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Worker;

/// <summary>
/// What a worker does while it waits for its image: it makes one in memory, of each format that it can write, and imports it into memory.
/// What the runtime makes when something is done for the first time is there then, and the import that comes takes the time of its bytes.
/// </summary>
internal static class WorkerRehearsal
{
    private const int DiskSize = 2 << 20;

    // Many times what it takes: a request may come meanwhile.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    /// <summary>Rehearses with the formats of these plugins. One that fails in it is told when an image of it comes, and to nobody else.</summary>
    /// <returns>The formats of which an image was imported.</returns>
    internal static async Task<IReadOnlyList<string>> RunAsync(WorkerFormats formats, IReadOnlyList<string> plugins, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_limit);
        List<string> imported = [];
        foreach ((string plugin, string kind, IImageWriter writer) in plugins.SelectMany(plugin => WritersOf(formats, plugin)))
        {
            try
            {
                await ImportAsync(formats, plugin, kind, writer, limit.Token);
                imported.Add(kind);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // Whatever a plugin throws, as where it is loaded ahead.
            }
        }

        if (imported.Count > 0)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);   // the image may come in days
        }

        return imported;
    }

    private static IEnumerable<(string Plugin, string Kind, IImageWriter Writer)> WritersOf(WorkerFormats formats, string plugin)
    {
        try
        {
            return [.. formats.Of(plugin).Where(static known => known.Format is IImageWriter).Select(known => (plugin, known.Kind, (IImageWriter)known.Format))];
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return [];   // told to who asks for its formats
        }
    }

    private static async Task ImportAsync(WorkerFormats formats, string plugin, string kind, IImageWriter writer, CancellationToken cancellationToken)
    {
        await using FileStream image = new(MemoryFile.Create(kind), FileAccess.ReadWrite, bufferSize: 0);
        await WriteAsync(writer, image, cancellationToken);
        WorkerRequest request = new() { Plugins = [plugin], ImageName = kind, StreamLength = new(DiskSize) };
        using ImageOpening opening = new(request, formats, [image.SafeFileHandle], static _ => { });
        OpenImage open = await opening.OpenAsync(static _ => { }, static _ => { }, cancellationToken);
        await using LayeredDisk disk = open.Disk;
        WorkerMessage looked = new() { Report = await ImageSurvey.RunAsync(open, goOver: false, static _ => { }, cancellationToken) };

        SafeFileHandle volume = MemoryFile.Create(kind);
        RandomAccess.SetLength(volume, DiskSize);
        ImportOrder order = new() { VolumeSize = new(DiskSize), ReadsZero = true, WriteBudget = new(DiskSize), Marks = true, Verify = true };
        ImportResult result = await WorkerProgram.ImportAsync(request, open, order, volume, static said => _ = WorkerJson.Write(said), cancellationToken);
        _ = WorkerJson.Write(looked with { Result = result });
    }

    // Data, zeros, and data again.
    private static async Task WriteAsync(IImageWriter writer, Stream image, CancellationToken cancellationToken)
    {
        using SafeFileHandle content = MemoryFile.Create("content");
        RandomAccess.SetLength(content, DiskSize);
        byte[] data = new byte[DiskSize / 4];
        data.AsSpan().Fill(0xA5);
        RandomAccess.Write(content, data, 0);
        RandomAccess.Write(content, data, DiskSize / 2);
        await using FileBlocks blocks = new(content, BlockAccess.Read);
        SavedVolume saved = new() { Name = new("rehearsal"), Id = Guid.Empty, Taken = DateTimeOffset.UnixEpoch, Blocks = blocks };
        await writer.WriteAsync(saved, image, new Progress<ByteSize>(), cancellationToken);
    }
}
