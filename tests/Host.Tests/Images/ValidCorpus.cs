namespace EveStorage.Tests;

/// <summary>An image of the corpus.</summary>
/// <param name="Name">What is special about it.</param>
/// <param name="MakeAsync">Makes it, at the given path.</param>
/// <param name="Snapshot">The snapshot of it that is meant.</param>
internal sealed record CorpusImage(string Name, Func<string, Task> MakeAsync, string? Snapshot = null);

/// <summary>Images as QEMU's tools make them, one for each thing that the format can have. Files that they name lie beside each other in <paramref name="bases"/>.</summary>
internal sealed class ValidCorpus(string bases)
{
    private const string Size = "9437696";
    private static readonly string[] s_writes =
        ["write -P 17 0 700000", "write -P 18 1048576 65536", "write -z 1060000 8000", "discard 131072 131072", "write -P 19 3000000 1234", "write -z 4194304 1048576", "write -P 20 9437184 512"];

    /// <summary>All of them.</summary>
    internal IEnumerable<CorpusImage> All() => [.. Versions(), .. Compressed(), .. Histories(), .. Shapes(), .. Snapshots(), .. Linked()];

    private static IEnumerable<CorpusImage> Versions()
        => new[]
        {
            "compat=0.10", "compat=0.10,cluster_size=512", "compat=0.10,cluster_size=4k", "compat=0.10,cluster_size=2M",
            "compat=1.1", "compat=1.1,cluster_size=512", "compat=1.1,cluster_size=16k", "compat=1.1,cluster_size=256k", "compat=1.1,cluster_size=2M",
            "compat=1.1,lazy_refcounts=on", "compat=1.1,refcount_bits=1", "compat=1.1,refcount_bits=64",
            "compat=1.1,preallocation=metadata", "compat=1.1,preallocation=falloc", "compat=1.1,preallocation=full",
            "compat=1.1,extended_l2=on,cluster_size=16k", "compat=1.1,extended_l2=on", "compat=1.1,extended_l2=on,cluster_size=2M", "compat=1.1,extended_l2=on,preallocation=metadata",
        }.Select(options => new CorpusImage(options, path => WrittenAsync(path, options)));

    private static IEnumerable<CorpusImage> Compressed()
        => new[]
        {
            "compat=0.10", "compat=0.10,cluster_size=512", "compat=1.1,compression_type=zlib", "compat=1.1,compression_type=zlib,cluster_size=512",
            "compat=1.1,compression_type=zlib,cluster_size=2M", "compat=1.1,compression_type=zstd", "compat=1.1,compression_type=zstd,cluster_size=4k",
            "compat=1.1,compression_type=zstd,cluster_size=2M", "compat=1.1,compression_type=zstd,extended_l2=on",
        }.Select(options => new CorpusImage($"compressed,{options}", path => CompressedAsync(path, options)));

    private static IEnumerable<CorpusImage> Histories()
        =>
        [
            new("written backwards", async path =>
            {
                await CreateAsync(path, "compat=1.1", Size);
                await QemuImages.WriteAsync(path, [.. Enumerable.Range(0, 40).Select(at => $"write -P {at + 1} {(39 - at) * 131072} 70000")]);
            }),
            new("compressed and plain clusters in turns", async path =>
            {
                await CreateAsync(path, "compat=1.1", Size);
                await QemuImages.WriteAsync(path, [.. Enumerable.Range(0, 40).Select(at => $"write {(at % 2 == 0 ? "-c " : "")}-P {at + 1} {at * 65536} 65536")]);
            }),
            new("compressed clusters overwritten", async path =>
            {
                await CompressedAsync(path, "compat=1.1");
                await QemuImages.WriteAsync(path, "write -P 77 65536 65536", "write -P 78 300000 10", "write -z 524288 65536");
            }),
            new("zeros and discards over data, with and without its clusters", async path =>
            {
                await WrittenAsync(path, "compat=1.1");
                await QemuImages.WriteAsync(path, "write -z 0 131072", "write -z -u 262144 65536", "discard 393216 65536");
            }),
            new("zeros over parts of subclusters", async path =>
            {
                await WrittenAsync(path, "compat=1.1,extended_l2=on,cluster_size=128k");
                await QemuImages.WriteAsync(path, "write -z 4096 4096", "write -z -u 131072 12288", "write -P 50 1310720 100", "discard 8192 4096");
            }),
            new("converted out of order by many", async path =>
            {
                await WrittenAsync(path + ".from", "compat=1.1");
                await QemuImages.RunAsync("qemu-img", "convert", "-q", "-m", "16", "-W", "-f", "qcow2", "-O", "qcow2", path + ".from", path);
            }),
            new("grown, so that its L1 table moved", async path =>
            {
                await WrittenAsync(path, "compat=1.1,cluster_size=512");
                await QemuImages.RunAsync("qemu-img", "resize", "-q", "-f", "qcow2", path, "40M");
                await QemuImages.WriteAsync(path, "write -P 60 30000000 5000");
            }),
            new("shrunk, so that its L1 table is longer than its disk", async path =>
            {
                await WrittenAsync(path, "compat=1.1,cluster_size=512");
                await QemuImages.RunAsync("qemu-img", "resize", "-q", "--shrink", "-f", "qcow2", path, "3M");
            }),
            new("raised from version 2", async path =>
            {
                await WrittenAsync(path, "compat=0.10");
                await QemuImages.RunAsync("qemu-img", "amend", "-q", "-f", "qcow2", "-o", "compat=1.1", path);
                await QemuImages.WriteAsync(path, "write -z 0 65536");
            }),
        ];

    private static IEnumerable<CorpusImage> Shapes()
        =>
        [
            new("nothing written", path => CreateAsync(path, "compat=1.1", Size)),
            new("one sector", async path =>
            {
                await CreateAsync(path, "compat=1.1", "512");
                await QemuImages.WriteAsync(path, "write -P 1 0 512");
            }),
            new("beyond 4 GiB, in several tables", async path =>
            {
                await CreateAsync(path, "compat=1.1", "5G");
                await QemuImages.WriteAsync(path, "write -P 1 0 4096", "write -P 2 600M 200000", "write -P 3 4294963200 8192", "write -P 4 100M 100000", "write -P 5 5368708608 512");
            }),
            new("a dirty bitmap", async path =>
            {
                await WrittenAsync(path, "compat=1.1");
                await QemuImages.RunAsync("qemu-img", "bitmap", "--add", "-f", "qcow2", path, "dirty");
                await QemuImages.WriteAsync(path, "write -P 9 2000000 1000");
            }),
            new("a dirty bit", async path =>
            {
                await WrittenAsync(path, "compat=1.1");
                using FileStream file = File.OpenWrite(path);
                file.Position = 79;
                file.WriteByte(1);
            }),
        ];

    private static IEnumerable<CorpusImage> Snapshots()
    {
        static async Task MakeAsync(string path)
        {
            await WrittenAsync(path, "compat=1.1");
            await QemuImages.RunAsync("qemu-img", "snapshot", "-c", "one", path);
            await QemuImages.WriteAsync(path, "write -P 33 200000 300000");
            await QemuImages.RunAsync("qemu-img", "snapshot", "-c", "two", path);
            await QemuImages.WriteAsync(path, "write -P 34 0 900000");
        }

        yield return new("with snapshots", MakeAsync);
        yield return new("its first snapshot", MakeAsync, "one");
        yield return new("its last snapshot", MakeAsync, "two");
        yield return new("a snapshot of version 2", async path =>
        {
            await WrittenAsync(path, "compat=0.10");
            await QemuImages.RunAsync("qemu-img", "snapshot", "-c", "one", path);
            await QemuImages.WriteAsync(path, "write -P 33 200000 300000");
        }, "one");
    }

    private IEnumerable<CorpusImage> Linked()
        =>
        [
            new("a raw backing file that is shorter and ends within a cluster", async path =>
            {
                await File.WriteAllBytesAsync(Base("base.raw"), Enumerable.Repeat((byte)90, 5000000).ToArray());
                await OverlayAsync(path, "base.raw", "raw", "compat=1.1");
            }),
            new("a chain of four with clusters of many sizes", async path =>
            {
                await CompressedAsync(Base("c0.qcow2"), "compat=1.1,compression_type=zstd,cluster_size=2M");
                await OverlayAsync(Base("c1.qcow2"), "c0.qcow2", "qcow2", "compat=1.1,cluster_size=512");
                await OverlayAsync(Base("c2.qcow2"), "c1.qcow2", "qcow2", "compat=0.10,cluster_size=64k");
                await OverlayAsync(path, Base("c2.qcow2"), "qcow2", "compat=1.1,extended_l2=on,cluster_size=128k");
            }),
            new("its data in another file", path => InDataFileAsync(path, "data1.raw", "off")),
            new("its data in another file that is raw", path => InDataFileAsync(path, "data2.raw", "on")),
        ];

    private async Task InDataFileAsync(string path, string name, string raw)
    {
        await CreateAsync(path, $"compat=1.1,data_file={Base(name)},data_file_raw={raw}", Size);
        await QemuImages.WriteAsync(path, s_writes);
    }

    // Each layer writes somewhere else, over data, zeros and holes of those below.
    private async Task OverlayAsync(string path, string backing, string format, string options)
    {
        await QemuImages.RunAsync("qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", Base(backing), "-F", format, "-o", options, path, "10M");
        int seed = path.Sum(letter => letter) % 50;
        await QemuImages.WriteAsync(path, $"write -P {seed + 100} {seed * 7000} 30000", $"write -z {seed * 60000} 70000", $"write -P {seed + 101} 9800000 100");
    }

    private string Base(string name) => Path.Combine(bases, name);

    private static async Task WrittenAsync(string path, string options)
    {
        await CreateAsync(path, options, Size);
        await QemuImages.WriteAsync(path, s_writes);
    }

    private static async Task CompressedAsync(string path, string options)
    {
        await WrittenAsync(path + ".plain", "compat=1.1");
        await QemuImages.RunAsync("qemu-img", "convert", "-q", "-c", "-f", "qcow2", "-O", "qcow2", "-o", options, path + ".plain", path);
    }

    private static Task CreateAsync(string path, string options, string size) => QemuImages.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", "-o", options, path, size);
}
